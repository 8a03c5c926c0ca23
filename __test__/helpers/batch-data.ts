/** batchL2Data of signed transactions, as somebody who forces a batch encodes them. */
import { decodeRlp, encodeRlp, getBytes, hexlify, zeroPadValue } from 'ethers';

/** Recovery byte of batchL2Data, and the two forms of EIP-155. */
const RECOVERY_BASE = 27n;
const EIP155_BASE = 35n;
const FULL_PERCENTAGE = 0xff;
const SIGNED_FIELDS = 9;

/** The entries of signed legacy transactions with a chain id, one after the other. */
export function batchData(signed: readonly string[]): Buffer {
  return Buffer.concat(signed.map(entry));
}

function entry(signed: string): Buffer {
  const fields = decodeRlp(signed);
  if (!Array.isArray(fields) || fields.length !== SIGNED_FIELDS) throw new RangeError('no signed legacy transaction');
  const [v, r, s] = fields.slice(6) as [string, string, string];
  const chainId = (BigInt(v) - EIP155_BASE) / 2n;
  const recovery = RECOVERY_BASE + ((BigInt(v) - EIP155_BASE) % 2n);
  const digits = chainId.toString(16);
  const unsigned = encodeRlp([...fields.slice(0, 6), hexlify(`0x${digits.length % 2 === 0 ? '' : '0'}${digits}`), '0x', '0x']);
  const signature = [zeroPadValue(r, 32), zeroPadValue(s, 32)].map((word) => getBytes(word));
  return Buffer.concat([getBytes(unsigned), ...signature, Buffer.from([Number(recovery), FULL_PERCENTAGE])]);
}
