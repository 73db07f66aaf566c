"""tests/cross/test_dlls.py OBJDUMP PROGRAM...: The programs need no DLL but those of Windows."""

import pathlib
import re
import subprocess
import sys
import unittest

SYSTEMS = {"kernel32.dll", "msvcrt.dll", "ws2_32.dll", "advapi32.dll", "bcrypt.dll", "winmm.dll", "ntdll.dll"}


class Dlls(unittest.TestCase):
    def test_programs_need_only_dlls_of_windows(self):
        for program in PROGRAMS:
            text = subprocess.run([OBJDUMP, "-p", program], check=True, capture_output=True, text=True).stdout
            needed = {name.lower() for name in re.findall(r"DLL Name: (\S+)", text)}
            print(pathlib.Path(program).name, *sorted(needed), flush=True)
            self.assertIn("kernel32.dll", needed)
            self.assertLessEqual(needed, SYSTEMS)


if __name__ == "__main__":
    OBJDUMP, *PROGRAMS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
