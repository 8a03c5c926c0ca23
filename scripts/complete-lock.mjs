/**
 * Completes package-lock.json after `npm install` on a registry that serves only this machine's platform: npm then leaves the optional
 * packages of other platforms out of the lock, and `npm ci` refuses such a lock everywhere. They are listed by the exact version
 * that their parent asks for; npm never fetches them on Linux x86-64, the one platform this project runs on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runMain } from './lib/failure.mjs';
import { root } from './lib/project.mjs';

await runMain(() => {
  const file = join(root, 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const added = complete(lock.packages);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (added) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${added} packages of other platforms added\n`);
});

function complete(packages) {
  let added = 0;
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    if (path === '') continue;
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!/^\d+\.\d+\.\d+/.test(version) || found(packages, path, name, version)) continue;
      const top = `node_modules/${name}`;
      packages[top in packages ? `${path}/${top}` : top] = { version, ...platform(name), ...dev(packages[path]), optional: true };
      added += 1;
    }
  }
  return added;
}

/** Looks where Node would: beside the package, then upwards. */
function found(packages, path, name, version) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const entry = packages[`${at ? `${at}/` : ''}node_modules/${name}`];
    if (entry) return entry.version === version;
    if (!at.includes('node_modules/') || at.lastIndexOf('/node_modules/') < 0) {
      const top = packages[`node_modules/${name}`];
      return top?.version === version;
    }
  }
}

function dev(parent) {
  return parent.dev ? { dev: true } : {};
}

function platform(name) {
  const os = /(?:^|[/-])(android|darwin|freebsd|linux|win32)(?:-|$)/.exec(name)?.[1];
  const cpu = /-(arm64|x64|ia32|arm|ppc64|riscv64|s390x|wasm32)(?:-|$)/.exec(name)?.[1];
  return { ...(cpu ? { cpu: [cpu] } : {}), ...(os ? { os: [os] } : {}) };
}
