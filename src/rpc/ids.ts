/** Ids of filters and subscriptions: 128 random bits, so that nobody guesses another client's. */
import { randomBytes } from 'node:crypto';

export function randomId(): string {
  return `0x${randomBytes(16).toString('hex')}`;
}
