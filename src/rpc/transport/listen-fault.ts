/** Why an address cannot be listened on, in the words of the system. */
import { createServer } from 'node:net';
import { CodedError } from '../../common/errors.js';

/**
 * Tries the address and lets it go again; null where it can be listened on. The node asks before it touches the database, so that a used
 * port changes nothing, and asks again for the reason where listening fails all the same.
 */
export async function listenFault(host: string, port: number): Promise<CodedError | null> {
  const reason = await new Promise<string | null>((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
  if (reason === null) return null;
  if (reason !== 'EADDRINUSE') return fault(host, port, reason);
  return new CodedError(`port ${port} on ${host} is in use by another process: stop it, or choose another with --port`, {
    code: 'RPC_PORT_IN_USE',
    host,
    port,
  });
}

/** The address was taken and given back between two looks. */
export function unknownFault(host: string, port: number): CodedError {
  return fault(host, port, 'unknown reason');
}

function fault(host: string, port: number, reason: string): CodedError {
  return new CodedError(`cannot listen on ${host}:${port} (${reason}): check --host and --port`, {
    code: 'RPC_LISTEN_FAILED',
    host,
    port,
    reason,
  });
}
