/** Signs transactions and makes the requests that carry them, on a thread of its own (`packets.ts`). */
import { parentPort } from 'node:worker_threads';
import { post } from '../../bench/sequencer/http.js';
import { quickSign } from '../helpers/quick-signer.js';
import type { PacketTask, SignedPacket } from './packets.js';

parentPort?.on('message', ({ id, host, items }: PacketTask) => {
  const signed = items.map(({ factor, fields }) => quickSign(factor, fields));
  const calls = signed.map(({ raw }, id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [raw] }));
  // Bytes of their own, which can be handed over.
  const request = new Uint8Array(post(host, `[${calls.join(',')}]`));
  const answer: SignedPacket = { id, hashes: signed.map(({ hash }) => hash), request };
  parentPort?.postMessage(answer, [request.buffer]);
});
