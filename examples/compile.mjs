/** Compiles one of our own contracts with the solc npm package. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import solc from 'solc';

/**
 * @param {URL} file a .sol file with one contract of the same name
 * @returns {{abi: object[], bytecode: string}}
 */
export function compile(file) {
  const name = basename(file.pathname, '.sol');
  const input = {
    language: 'Solidity',
    sources: { [name]: { content: readFileSync(file, 'utf8') } },
    settings: {
      // Fork 9 has no opcodes of Cancun and later.
      evmVersion: 'shanghai',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  if (errors.length) throw new Error(`${name}.sol does not compile:\n${errors.map(({ formattedMessage }) => formattedMessage).join('\n')}`);
  const contract = output.contracts[name][name];
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}
