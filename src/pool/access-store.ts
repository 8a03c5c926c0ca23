/**
 * The access policy across restarts. The configuration says how a node starts; once an operator changes the policy at run time, what is
 * stored counts, until it is reset. A change is on disk before it takes effect, so that no restart takes it back.
 */
import { CodedError } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { NativeEngine } from '../native/engine.js';
import type { CommandGate } from '../recording/recording.js';
import { ACCESS_MODES, type AccessList, type AccessMode, type AccessPolicy, tidyPolicy } from './access-list.js';

/** Name of the stored setting. */
export const ACCESS_SETTING = 'access';
/** Name of the change in a recording. */
export const ACCESS_COMMAND = 'access';
const VERSION = 1;
const ADDRESS = /^0x[0-9a-f]{40}$/;

/** Where the policy is kept. */
export type AccessDisk = Pick<NativeEngine, 'setting' | 'putSetting'>;

/** Parts that changing the policy takes. */
export interface AccessModules {
  readonly disk: AccessDisk;
  readonly list: AccessList;
  /** What counts again after a reset. */
  readonly configured: AccessPolicy;
  readonly log: Logger;
  /** Lets a change in; done at once where absent. */
  readonly commands?: CommandGate;
}

/** The policy that was stored at run time; null where the configured one is in force. Throws STATE_DB_CORRUPT: no list may be ignored. */
export function storedAccessPolicy(disk: Pick<AccessDisk, 'setting'>): AccessPolicy | null {
  const text = disk.setting(ACCESS_SETTING);
  return text === null ? null : parse(text);
}

/** Changes the policy of an access list, durably. */
export class AccessStore {
  readonly #modules: AccessModules;
  #last: Promise<unknown> = Promise.resolve();
  #isStored: boolean;

  /** `isStored` says whether the policy of the list is one that was changed at run time. */
  constructor(modules: AccessModules, isStored: boolean) {
    this.#modules = modules;
    this.#isStored = isStored;
  }

  get policy(): AccessPolicy {
    return this.#modules.list.policy;
  }

  /** True where the policy was changed at run time. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Applies changes one after the other; each sees the policy that the one before it left. */
  change(edit: (policy: AccessPolicy) => AccessPolicy): Promise<AccessPolicy> {
    return this.#next(async () => {
      const policy = tidyPolicy(edit(this.policy));
      await this.#modules.disk.putSetting(ACCESS_SETTING, JSON.stringify({ version: VERSION, ...policy }));
      this.#isStored = true;
      return this.#inForce(policy);
    });
  }

  /** Forgets what was changed: the configured policy counts again. */
  reset(): Promise<AccessPolicy> {
    return this.#next(async () => {
      await this.#modules.disk.putSetting(ACCESS_SETTING, null);
      this.#isStored = false;
      return this.#inForce(this.#modules.configured);
    });
  }

  #inForce(policy: AccessPolicy): Promise<AccessPolicy> {
    const { list, log, commands } = this.#modules;
    return new Promise((resolve) => {
      const run = (): void => {
        const before = list.policy;
        list.set(policy);
        log.info('access policy changed', { before, after: list.policy });
        resolve(list.policy);
      };
      if (commands === undefined) run();
      else commands(ACCESS_COMMAND, JSON.stringify(policy), run);
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done;
    return done;
  }
}

function parse(text: string): AccessPolicy {
  const broken = (what: string): CodedError =>
    new CodedError(`the stored access policy ${what}`, { code: 'STATE_DB_CORRUPT', setting: ACCESS_SETTING });
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    throw broken('is not JSON');
  }
  const { version, sendMode, send, deployMode, deploy, blockedRecipients } = (stored ?? {}) as Record<string, unknown>;
  if (version !== VERSION) throw broken(`is of version ${String(version)}, known is ${VERSION}`);
  if (!isMode(sendMode) || !isMode(deployMode) || !isList(send) || !isList(deploy) || !isList(blockedRecipients)) {
    throw broken('is malformed');
  }
  return { sendMode, send, deployMode, deploy, blockedRecipients };
}

function isMode(value: unknown): value is AccessMode {
  return ACCESS_MODES.some((mode) => mode === value);
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && ADDRESS.test(item));
}
