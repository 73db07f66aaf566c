"""tests/cross/test_dlls.py OBJDUMP PROGRAM...: the programs need no DLL but those that Windows has."""

import pathlib
import re
import subprocess
import sys
import unittest

SYSTEMS = {"kernel32.dll", "msvcrt.dll", "ws2_32.dll", "advapi32.dll", "bcrypt.dll", "winmm.dll", "ntdll.dll"}


class Dlls(unittest.TestCase):
    def test_no_program_needs_a_dll_of_others(self):
        for program in PROGRAMS:
            text = subprocess.run([OBJDUMP, "-p", program], check=True, capture_output=True, text=True).stdout
            needed = {name.lower() for name in re.findall(r"DLL Name: (\S+)", text)}
            print(pathlib.Path(program).name, *sorted(needed), flush=True)
            self.assertIn("kernel32.dll", needed)
            self.assertLessEqual(needed, SYSTEMS)


if __name__ == "__main__":
    OBJDUMP, *PROGRAMS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
