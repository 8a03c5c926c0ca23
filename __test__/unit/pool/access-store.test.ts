import test from 'ava';
import { errorCode } from '../../../src/common/errors.js';
import { silentLogger } from '../../../src/common/logger.js';
import { AccessList, OPEN_ACCESS } from '../../../src/pool/access-list.js';
import { ACCESS_SETTING, AccessStore, storedAccessPolicy } from '../../../src/pool/access-store.js';

const A = `0x${'aa'.repeat(20)}`;
const B = `0x${'bb'.repeat(20)}`;

/** A disk that may be slow, or fail. */
class Disk {
  text: string | null = null;
  fails = false;
  setting(name: string): string | null {
    return name === ACCESS_SETTING ? this.text : null;
  }
  async putSetting(_name: string, text: string | null): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.fails) throw new Error('disk');
    this.text = text;
  }
}

function setup(configured = OPEN_ACCESS) {
  const disk = new Disk();
  const list = new AccessList(configured);
  return { disk, list, store: new AccessStore({ disk, list, configured, log: silentLogger }, false) };
}

test('a change is on disk before it is in force, and the next start finds it', async (t) => {
  const { disk, list, store } = setup();
  const changing = store.change((policy) => ({ ...policy, sendMode: 'deny', send: [A.toUpperCase().replace('0X', '0x')] }));
  t.is(list.judge(A, B), 'allowed', 'not yet');
  await changing;
  t.is(list.judge(A, B), 'blocked');
  t.is(list.judge(B, A), 'allowed');
  t.deepEqual(storedAccessPolicy(disk), { ...OPEN_ACCESS, sendMode: 'deny', send: [A] });
  t.true(store.isStored);
});

test('changes at one time do not undo each other', async (t) => {
  const { list, store } = setup();
  await Promise.all([
    store.change((policy) => ({ ...policy, sendMode: 'allow' })),
    store.change((policy) => ({ ...policy, send: [...policy.send, A] })),
    store.change((policy) => ({ ...policy, send: [...policy.send, B] })),
  ]);
  t.deepEqual(list.policy, { ...OPEN_ACCESS, sendMode: 'allow', send: [A, B] });
});

test('what could not be written is not in force, and the next change is', async (t) => {
  const { disk, list, store } = setup();
  disk.fails = true;
  await t.throwsAsync(() => store.change((policy) => ({ ...policy, sendMode: 'allow' })), { message: 'disk' });
  t.is(list.policy.sendMode, 'off');
  t.false(store.isStored);
  disk.fails = false;
  await store.change((policy) => ({ ...policy, deployMode: 'allow', deploy: [A] }));
  t.is(list.judge(B, null), 'deployForbidden');
  t.is(list.judge(A, null), 'allowed');
});

test('a reset brings the configured policy back', async (t) => {
  const configured = { ...OPEN_ACCESS, blockedRecipients: [B] };
  const { disk, list, store } = setup(configured);
  await store.change((policy) => ({ ...policy, blockedRecipients: [] }));
  t.is(list.judge(A, B), 'allowed');
  await store.reset();
  t.is(list.judge(A, B), 'blocked');
  t.is(disk.text, null);
  t.is(storedAccessPolicy(disk), null);
});

test('a stored policy that cannot be read is an error, not an open door', (t) => {
  const disk = new Disk();
  for (const text of ['', '{}', '{"version":2}', JSON.stringify({ version: 1, ...OPEN_ACCESS, send: ['0x12'] })]) {
    disk.text = text;
    t.is(errorCode(t.throws(() => storedAccessPolicy(disk))), 'STATE_DB_CORRUPT', text);
  }
});
