// tests/js/install_packages.mjs FOLDER: Installs the packages of package-lock.json into a folder of the build.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const lock = readFileSync(here('package-lock.json'), 'utf8');
const done = join(folder, 'installed'); // the lock file whose packages are there

if (existsSync(done) && readFileSync(done, 'utf8') === lock) {
  console.log(`${folder} is up to date`);
} else {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) cpSync(here(name), join(folder, name));
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    console.error(`npm could not install the packages of tests/js/package-lock.json into ${folder}: is the registry reachable? (${error.message})`);
    process.exit(1);
  }
  writeFileSync(done, lock);
  console.log(`installed into ${folder}`);
}
