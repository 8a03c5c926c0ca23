import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { errorDocs } from '../../../src/cli/error-docs.js';
import { ERROR_CATALOGUE, ERROR_GROUPS } from '../../../src/common/error-catalogue.js';
import { RPC_RULES, rpcError, toRpcError } from '../../../src/rpc/errors.js';
import { ROOT } from '../../helpers/paths.js';

test('the JSON-RPC table has every code, and no other', (t) => {
  t.deepEqual(Object.keys(RPC_RULES).sort(), Object.keys(ERROR_CATALOGUE).sort());
});

test('no code stands in two groups', (t) => {
  const codes = ERROR_GROUPS.flatMap(({ codes }) => Object.keys(codes));
  t.is(new Set(codes).size, codes.length);
  t.deepEqual(codes.sort(), Object.keys(ERROR_CATALOGUE).sort());
});

test('every code has a cause and a remedy', (t) => {
  for (const [code, { cause, remedy }] of Object.entries(ERROR_CATALOGUE)) {
    t.regex(cause, /\.$/, code);
    t.regex(remedy, /\.$/, code);
    t.regex(code, /^[A-Z][A-Z0-9_]+$/, code);
  }
});

test('docs/errors.md is the generated page', (t) => {
  t.is(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8'), errorDocs(), 'run: zkevm-sequencer errors docs > docs/errors.md');
});

test('codes of the native side and of the pool are in the catalogue', (t) => {
  const native = ['native/engine/src/error.rs', 'native/state-db/src/error.rs'].flatMap((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return [...text.matchAll(/=> "([A-Z][A-Z0-9_]{4,})"/g)].map((match) => match[1] ?? '');
  });
  t.true(native.length > 10);
  t.deepEqual(
    native.filter((code) => !(code in ERROR_CATALOGUE)),
    [],
  );
});

test('a refusal of the pool passes with its own message, data only for reverts', (t) => {
  t.deepEqual(toRpcError(rpcError('TX_NONCE_TOO_LOW', 'nonce too low: next nonce 5, tx nonce 4')), {
    code: -32000,
    message: 'nonce too low: next nonce 5, tx nonce 4',
  });
  t.deepEqual(toRpcError(rpcError('TX_RLP_INVALID', 'invalid tx input')), { code: -32602, message: 'invalid tx input' });
  t.deepEqual(toRpcError(Object.assign(new Error('x'), { code: 'CALL_TIMEOUT' })), { code: -32000, message: 'execution timeout' });
  t.deepEqual(toRpcError(Object.assign(new Error('x'), { code: 'ENOENT' })), { code: -32603, message: 'internal error' });
  t.deepEqual(toRpcError('text'), { code: -32603, message: 'internal error' });
});
