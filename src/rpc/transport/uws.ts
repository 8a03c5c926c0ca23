/**
 * The one place that knows where uWebSockets.js comes from. Its official binaries are packaged twice: for Node 18 to 23 with glibc 2.27 or
 * newer, and for Node 22 to 26 with glibc 2.38 or newer. Whichever loads is used; when none does, the node says so and stops. There is no
 * other server to fall back to: the limits and the backpressure of this node rely on this one.
 *
 * The interfaces below are the part of uWebSockets.js that the node uses.
 */
import { CodedError, errorMessage } from '../../common/errors.js';

/** What uWS takes as text or bytes. */
export type UwsText = string | ArrayBuffer | Uint8Array;

/** A response; not to be touched after it was aborted or ended. */
export interface UwsResponse {
  writeStatus(status: UwsText): UwsResponse;
  writeHeader(key: UwsText, value: UwsText): UwsResponse;
  end(body?: UwsText, closeConnection?: boolean): UwsResponse;
  endWithoutBody(reportedContentLength?: number, closeConnection?: boolean): UwsResponse;
  close(): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  /** The chunk is valid during the call only. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  cork(write: () => void): UwsResponse;
  /** 4 or 16 bytes. */
  getRemoteAddress(): ArrayBuffer;
  upgrade<D>(data: D, key: UwsText, protocol: UwsText, extensions: UwsText, context: unknown): void;
}

/** A request; valid during the handler call only. */
export interface UwsRequest {
  getHeader(lowerCaseKey: string): string;
  getMethod(): string;
  getUrl(): string;
}

/** A WebSocket; not to be touched after its close event. */
export interface UwsSocket<D> {
  /** 1 sent, 0 sent into a buffer that drains later, 2 dropped. */
  send(message: UwsText, isBinary?: boolean, compress?: boolean): number;
  getBufferedAmount(): number;
  end(code?: number, reason?: UwsText): void;
  cork(write: () => void): UwsSocket<D>;
  getUserData(): D;
}

/** Behaviour of WebSockets. */
export interface UwsBehavior<D> {
  maxPayloadLength: number;
  maxBackpressure: number;
  closeOnBackpressureLimit: boolean;
  idleTimeout: number;
  sendPingsAutomatically: boolean;
  compression: number;
  upgrade: (response: UwsResponse, request: UwsRequest, context: unknown) => void;
  open: (socket: UwsSocket<D>) => void;
  message: (socket: UwsSocket<D>, message: ArrayBuffer, isBinary: boolean) => void;
  drain: (socket: UwsSocket<D>) => void;
  close: (socket: UwsSocket<D>, code: number, message: ArrayBuffer) => void;
}

export type UwsHandler = (response: UwsResponse, request: UwsRequest) => void;

/** A server. */
export interface UwsApp {
  get(pattern: string, handler: UwsHandler): UwsApp;
  post(pattern: string, handler: UwsHandler): UwsApp;
  options(pattern: string, handler: UwsHandler): UwsApp;
  any(pattern: string, handler: UwsHandler): UwsApp;
  ws<D>(pattern: string, behavior: UwsBehavior<D>): UwsApp;
  /** The callback gets false where the address cannot be listened on. */
  listen(host: string, port: number, options: number, done: (socket: unknown) => void): UwsApp;
  close(): UwsApp;
}

/** The module. */
export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(socket: unknown): void;
  us_socket_local_port(socket: unknown): number;
  /** Without it several processes share a port, and none notices. */
  LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  SHARED_COMPRESSOR: number;
}

/** Packages in order of preference: the older binary runs on the older C library. */
export const UWS_PACKAGES = ['uws-glibc-2.27', 'uws-glibc-2.38'] as const;

/** Both packages are CommonJS: what they export is the default export. */
const importPackage = async (name: string): Promise<unknown> => ((await import(name)) as { default: unknown }).default;

/** Loads the first binary that fits. Rejects with RPC_TRANSPORT_UNAVAILABLE and the reason of each that does not. */
export async function loadUws(
  load: (name: string) => Promise<unknown> = importPackage,
  packages: readonly string[] = UWS_PACKAGES,
): Promise<Uws> {
  const reasons: Record<string, string> = {};
  for (const name of packages) {
    try {
      return (await load(name)) as Uws;
    } catch (error) {
      reasons[name] = firstLine(errorMessage(error));
    }
  }
  const tried = Object.entries(reasons).map(([name, reason]) => `${name}: ${reason}`);
  throw new CodedError(
    `no uWebSockets.js binary loads on Node ${process.versions.node} (${process.platform}-${process.arch}, ${libc()}): ` +
      `use Node 20 or 22 with glibc 2.27 or newer, or Node 22 or 24 with glibc 2.38 or newer, and install again under it (${tried.join('; ')})`,
    { code: 'RPC_TRANSPORT_UNAVAILABLE', reasons },
  );
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}

function libc(): string {
  const header = (process.report.getReport() as { header?: { glibcVersionRuntime?: string } }).header;
  return header?.glibcVersionRuntime === undefined ? 'no glibc' : `glibc ${header.glibcVersionRuntime}`;
}
