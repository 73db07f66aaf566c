// tests/js/certificate.mjs: Fixture: a certificate for 127.0.0.1 that signs itself.

import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes { options, pem, pin, remove() }: options of the server, the certificate, and the hash of its key as browsers take it. */
export function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'gangway-certificate-'));
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1',
  ], { stdio: 'ignore' });
  const pem = readFileSync(cert, 'utf8');
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return {
    options: ['--tls-cert', cert, '--tls-key', key],
    pem,
    pin: createHash('sha256').update(spki).digest('base64'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
