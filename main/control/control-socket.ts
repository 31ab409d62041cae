import { existsSync, lstat, lstatSync, type Stats, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path/posix";
import { DaemonError, errnoName } from "../errors.js";
import { ControlClient, IDLE_MS, type Sources } from "./control-socket-client.js";
import type { StatusSource } from "./status.js";

const MAX_CLIENTS = 16;
/** sun_path of a Unix socket address, less its final NUL (unix(7)). */
const MAX_PATH_BYTES = 107;
/** How long a socket file that is in our place may take to answer. */
const PROBE_MS = 1000;
/** The loss of the socket file is noticed within this time; inotify(7) would see no loss of the folder above it. */
const LOOK_MS = 3000;

/** Answers `holdfast status`, `servers`, `why` and programs: one JSON request per line, one JSON line per answer. */
export class ControlSocket implements AsyncDisposable {
  #server: Server;
  readonly #newServer: () => Server;
  readonly #path: string;
  readonly #clients: Set<ControlClient>;
  #looking: NodeJS.Timeout | undefined;

  private constructor(newServer: () => Server, path: string, clients: Set<ControlClient>) {
    this.#newServer = newServer;
    this.#server = newServer();
    this.#path = path;
    this.#clients = clients;
  }

  /**
   * Listens at `path`, mode 0600. A socket file that nobody answers is replaced; other files never are.
   * @throws DaemonError E_ALREADY_RUNNING when a daemon answers there, E_SOCKET for anything else
   */
  static async open(
    path: string,
    status: StatusSource,
    others: Partial<Sources> = {},
    idle = IDLE_MS,
  ): Promise<ControlSocket> {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw tooLong(path);
    await removeStale(path);
    const clients = new Set<ControlClient>();
    const newServer = (): Server => {
      // Whoever has nothing more to ask may say so (`nc -N`) and still wants the answer.
      const server = createServer({ allowHalfOpen: true }, (socket) =>
        accept(socket, clients, idle, {
          ...{ status, servers: undefined, why: undefined, upgrade: undefined, giveWay: undefined },
          ...others,
        }),
      );
      // The server counts from accept to close; this one refuses in words.
      server.maxConnections = MAX_CLIENTS * 2;
      return server;
    };
    const control = new ControlSocket(newServer, path, clients);
    await listenPrivately(control.#server, path);
    return control;
  }

  /**
   * Programs that clean up delete the file, and nobody could ask any more: from now on it is made again. Another file in its place
   * is left alone. @param say once for each loss, and once when it cannot be made again
   */
  keep(say: (sentence: string) => void, every = LOOK_MS): void {
    let told = "";
    const tell = (sentence: string): void => {
      if (sentence !== told && sentence !== "") say(sentence);
      told = sentence;
    };
    let waits = false; // a disk that does not answer is asked no more: each question would keep one of libuv's few threads
    this.#looking = setInterval(() => {
      if (waits) return;
      waits = true;
      lstat(this.#path, (error) => {
        waits = false;
        if (this.#looking === undefined) return;
        if (error === null) told = "";
        else if (errnoName(error) === "ENOENT") void this.#makeAgain(tell);
      });
    }, every).unref();
  }

  /** Who is connected stays so. */
  async #makeAgain(tell: (sentence: string) => void): Promise<void> {
    this.#server.close(); // it has nothing to remove: the file is gone
    this.#server = this.#newServer();
    try {
      await listenPrivately(this.#server, this.#path);
      tell(`The control socket ${this.#path} was deleted: made again - have what deletes it leave it alone`);
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      tell(`The control socket was deleted, and cannot be made again until its cause has passed: ${error.message}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    this.#looking = undefined;
    for (const client of this.#clients) client.close();
    await new Promise((resolve) => this.#server.close(resolve)); // libuv removes the socket file
    removeSocketFile(this.#path);
  }
}

function accept(socket: Socket, clients: Set<ControlClient>, idle: number, sources: Sources): void {
  if (clients.size >= MAX_CLIENTS) {
    socket.on("error", () => undefined); // it may be gone before it hears why
    socket.end(`{"error":"${MAX_CLIENTS} clients are connected already - try again later"}\n`, () => socket.destroy());
    return;
  }
  const client = new ControlClient(socket, sources, idle);
  clients.add(client);
  socket.on("close", () => clients.delete(client));
}

/** The umask makes the file private from its first instant; bind(2) happens inside `listen`, before it returns. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(existsSync(dirname(path)) ? cannot("listen at", path, error) : noFolder(path)),
    );
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

/** libuv has EACCES for it, which leads nowhere. */
const noFolder = (path: string): DaemonError =>
  new DaemonError(
    "E_SOCKET",
    `Cannot listen at the control socket ${path}: its folder does not exist - make it, or use --control-socket`,
  );

const tooLong = (path: string): DaemonError =>
  new DaemonError(
    "E_SOCKET",
    `Control socket path is longer than ${MAX_PATH_BYTES} bytes: ${path} - use --control-socket`,
  );
