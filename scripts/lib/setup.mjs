/**
 * From whatever state the clone is in to one that runs: packages, addon, compiled TypeScript. Each part looks first whether there is
 * anything to do, by content; when there is not, nothing is printed and nothing is written.
 */
import { compileAddon, findAddon } from './addon.mjs';
import { checkNode, installPackages } from './packages.mjs';
import { compileTypeScript } from './typescript.mjs';

export async function setup() {
  checkNode();
  const found = await findAddon();
  await installPackages();
  if (!found) await compileAddon();
  await compileTypeScript();
}
