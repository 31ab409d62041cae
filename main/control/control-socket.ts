import { lstatSync, type Stats, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { DaemonError, errnoName } from "../errors.js";
import { ControlClient, type Sources } from "./control-socket-client.js";
import type { StatusSource } from "./status.js";
import type { WhySource } from "./why.js";

const MAX_CLIENTS = 16;
/** sun_path of a Unix socket address, less its final NUL (unix(7)). */
const MAX_PATH_BYTES = 107;
/** How long a socket file that is in our place may take to answer. */
const PROBE_MS = 1000;

/** Answers `holdfast status`, `holdfast why` and programs: one JSON request per line, one JSON line per answer. */
export class ControlSocket implements AsyncDisposable {
  readonly #server: Server;
  readonly #path: string;
  readonly #clients: Set<ControlClient>;

  private constructor(server: Server, path: string, clients: Set<ControlClient>) {
    this.#server = server;
    this.#path = path;
    this.#clients = clients;
  }

  /**
   * Listens at `path`, mode 0600. A socket file that nobody answers is replaced; other files never are.
   * @throws DaemonError E_ALREADY_RUNNING when a daemon answers there, E_SOCKET for anything else
   */
  static async open(path: string, status: StatusSource, why?: WhySource): Promise<ControlSocket> {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw tooLong(path);
    await removeStale(path);
    const clients = new Set<ControlClient>();
    const server = createServer((socket) => accept(socket, clients, { status, why }));
    // The server counts from accept to close; this one refuses in words.
    server.maxConnections = MAX_CLIENTS * 2;
    await listenPrivately(server, path);
    return new ControlSocket(server, path, clients);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await new Promise((resolve) => this.#server.close(resolve)); // libuv removes the socket file
    removeSocketFile(this.#path);
  }
}

function accept(socket: Socket, clients: Set<ControlClient>, sources: Sources): void {
  if (clients.size >= MAX_CLIENTS) {
    socket.on("error", () => undefined); // it may be gone before it hears why
    socket.end(`{"error":"${MAX_CLIENTS} clients are connected already - try again later"}\n`, () => socket.destroy());
    return;
  }
  const client = new ControlClient(socket, sources);
  clients.add(client);
  socket.on("close", () => clients.delete(client));
}

/** The umask makes the file private from its first instant; bind(2) happens inside `listen`, before it returns. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannot("listen at", path, error)));
    server.once("listening", () => resolve());
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
}

async function removeStale(path: string): Promise<void> {
  const found = look(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    const message = `Cannot open the control socket: ${path} exists and is not a socket - remove it or use --control-socket`;
    throw new DaemonError("E_SOCKET", message);
  }
  if (await answers(path)) {
    const message = `Another daemon answers at ${path} - stop it, or use another --control-socket or --pid`;
    throw new DaemonError("E_ALREADY_RUNNING", message);
  }
  removeSocketFile(path);
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw cannot("look at", path, error); // ENOTDIR, EACCES
  }
}

/** Does somebody listen there? One that is too busy to accept counts as alive. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const end = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(PROBE_MS, () => end(true));
    socket.once("connect", () => end(true));
    socket.once("error", (error) => {
      const name = errnoName(error);
      if (name === "ECONNREFUSED" || name === "ENOENT") end(false);
      else if (name === "EAGAIN") end(true);
      else reject(cannot("look at", path, error));
    });
  });
}

function removeSocketFile(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch (error) {
    if (errnoName(error) !== "ENOENT") throw cannot("remove", path, error);
  }
}

function cannot(what: string, path: string, cause: unknown): DaemonError {
  const reason = errnoName(cause) ?? String(cause);
  return new DaemonError(
    "E_SOCKET",
    `Cannot ${what} the control socket ${path}: ${reason} - try another --control-socket`,
    {
      cause,
    },
  );
}

const tooLong = (path: string): DaemonError =>
  new DaemonError(
    "E_SOCKET",
    `Control socket path is longer than ${MAX_PATH_BYTES} bytes: ${path} - use --control-socket`,
  );
