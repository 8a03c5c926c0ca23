/** Settings of the operator's JSON-RPC. */
import { integer, optionalText, type Settings, text } from '../config/setting.js';

export interface AdminConfig {
  /** Address to listen on. */
  host: string;
  /** 0 = no operator's port at all. */
  port: number;
  /** What requests have to carry as `Authorization: Bearer TOKEN`. */
  token: string | null;
}

/** A shorter secret is guessed. */
export const TOKEN_CHARS_MIN = 16;

export const adminSettings: Settings<AdminConfig> = {
  host: text({ doc: 'Address of the operator port; every other than loopback needs a token.', default: '127.0.0.1' }),
  port: integer({ doc: 'Port of the admin namespace, apart from the public one; 0 = off.', default: 0, min: 0, max: 65535 }),
  token: optionalText({
    doc: `Secret that requests carry as \`Authorization: Bearer TOKEN\`, of at least ${TOKEN_CHARS_MIN} characters. Better in the environment or the file than on the command line.`,
    default: null,
  }),
};

/** True for addresses that only this machine reaches. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What is wrong with the section as a whole. */
export function adminFaults({ host, port, token }: AdminConfig): string[] {
  if (port === 0) return [];
  const faults: string[] = [];
  if (token === null && !isLoopbackHost(host)) faults.push(`admin.host ${host} is reachable from other machines: it needs admin.token`);
  if (token !== null && token.length < TOKEN_CHARS_MIN) faults.push(`admin.token must have at least ${TOKEN_CHARS_MIN} characters`);
  return faults;
}
