# Escapes blanks in the names of the dependency file FILE. protoc writes one name a line, and escapes nothing; so what it
# names in a folder with a blank is never up to date.
cmake_minimum_required(VERSION 3.25)
file(READ ${FILE} text)
string(REPLACE " " "\\ " text "${text}")
# These are between names: at the beginning of a line, before the backslash at its end, after the outputs.
string(REPLACE "\n\\ " "\n " text "${text}")
string(REPLACE "\\ \\\n" " \\\n" text "${text}")
string(REPLACE ":\\ " ": " text "${text}")
file(WRITE ${FILE} "${text}")
