/** Who may send and who may deploy. Changes take effect with the next transaction that is judged. */

/** `off`: everybody; `allow`: only those listed; `deny`: everybody but those listed. */
export const ACCESS_MODES = ['off', 'allow', 'deny'] as const;
export type AccessMode = (typeof ACCESS_MODES)[number];

/** The policy; addresses are lower-case 0x hex. */
export interface AccessPolicy {
  readonly sendMode: AccessMode;
  readonly send: readonly string[];
  readonly deployMode: AccessMode;
  readonly deploy: readonly string[];
  /** Recipients that nobody may call. */
  readonly blockedRecipients: readonly string[];
}

/** Everybody may do everything. */
export const OPEN_ACCESS: AccessPolicy = { sendMode: 'off', send: [], deployMode: 'off', deploy: [], blockedRecipients: [] };

/** What a policy says about a transaction. */
export type AccessVerdict = 'allowed' | 'blocked' | 'deployForbidden';

function permits(mode: AccessMode, listed: ReadonlySet<string>, address: string): boolean {
  if (mode === 'off') return true;
  return listed.has(address) === (mode === 'allow');
}

/** The policy with its addresses in order. */
export function tidyPolicy(policy: AccessPolicy): AccessPolicy {
  const { send, deploy, blockedRecipients } = policy;
  return { ...policy, send: tidy(send), deploy: tidy(deploy), blockedRecipients: tidy(blockedRecipients) };
}

/** Each address once, in lower case, sorted: the same policy is the same text. */
function tidy(addresses: readonly string[]): string[] {
  return [...new Set(addresses.map((address) => address.toLowerCase()))].sort();
}

/** Answers for each transaction whether the policy lets it in. */
export class AccessList {
  #policy: AccessPolicy = OPEN_ACCESS;
  #send: ReadonlySet<string> = new Set();
  #deploy: ReadonlySet<string> = new Set();
  #recipients: ReadonlySet<string> = new Set();

  constructor(policy: AccessPolicy = OPEN_ACCESS) {
    this.set(policy);
  }

  /** Everybody may do everything: nobody need be looked up. */
  get isOpen(): boolean {
    const { sendMode, deployMode } = this.#policy;
    return sendMode === 'off' && deployMode === 'off' && this.#recipients.size === 0;
  }

  get policy(): AccessPolicy {
    return this.#policy;
  }

  /** Replaces the policy, effective immediately. */
  set(policy: AccessPolicy): void {
    this.#policy = tidyPolicy(policy);
    this.#send = new Set(this.#policy.send);
    this.#deploy = new Set(this.#policy.deploy);
    this.#recipients = new Set(this.#policy.blockedRecipients);
  }

  /** `to` is null for a deployment. */
  judge(sender: string, to: string | null): AccessVerdict {
    if (!permits(this.#policy.sendMode, this.#send, sender)) return 'blocked';
    if (to === null) return permits(this.#policy.deployMode, this.#deploy, sender) ? 'allowed' : 'deployForbidden';
    return this.#recipients.has(to) ? 'blocked' : 'allowed';
  }
}
