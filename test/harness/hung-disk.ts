import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "./until.js";

/** A file system in user space (linux/fuse.h): directories, empty all of them, until SIGUSR1 or SIGUSR2; from then on nothing is answered. */
const server = `
import ctypes, errno, os, select, signal, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
hung = deaf = False
def hang(signum, _):
    global hung, deaf
    hung, deaf = signum == signal.SIGUSR1, signum == signal.SIGUSR2
    print("hung", flush=True)
signal.signal(signal.SIGUSR1, hang)
signal.signal(signal.SIGUSR2, hang)
fd = os.open("/dev/fuse", os.O_RDWR)
data = ("fd=%d,rootmode=40000,user_id=0,group_id=0" % fd).encode()
if libc.mount(b"hung", sys.argv[1].encode(), b"fuse", 0, data) != 0: sys.exit(os.strerror(ctypes.get_errno()))
def attributes(inode): return struct.pack("=6Q3I7I", inode, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
while True:
    try: select.select([fd], [], [])
    except OSError: continue
    while hung:  # unread, what waits can be killed, as on NFS
        print("asked", flush=True)
        signal.pause()
    try: request = os.read(fd, 1 << 20)
    except OSError: break
    if deaf:  # read, it has to be answered before whoever waits can be killed
        print("asked", flush=True)
        continue
    length, opcode, unique, node = struct.unpack_from("=IIQQ", request)
    error, body = 0, b""
    if opcode == 26:  # INIT
        body = struct.pack("=IIIIHHII", 7, 31, 0, 0, 0, 0, 4096, 1) + bytes(36)
        print("mounted", flush=True)
    elif opcode == 1 and node == 1:  # LOOKUP in the root
        body = struct.pack("=QQQQII", 2, 0, 0, 0, 0, 0) + attributes(2)
    elif opcode == 1: error = -errno.ENOENT
    elif opcode == 3: body = struct.pack("=QII", 0, 0, 0) + attributes(node)  # GETATTR
    elif opcode == 2: continue  # FORGET has no answer
    else: error = -errno.ENOSYS
    os.write(fd, struct.pack("=IiQ", 16 + len(body), error, unique) + body)
`;

/** Has any directory, and none with a file in it; once it hangs every look waits for ever, as on a file server that is gone. */
export class HungDisk implements AsyncDisposable {
  readonly #directory: string;
  readonly #server: ChildProcess;
  #said = "";

  private constructor(directory: string) {
    this.#directory = directory;
    this.#server = spawn("python3", ["-c", server, directory], { stdio: ["ignore", "pipe", "inherit"] });
    this.#server.stdout?.on("data", (text) => {
      this.#said += String(text);
    });
  }

  static async mount(directory: string): Promise<HungDisk> {
    const disk = new HungDisk(directory);
    // The kernel sends INIT within mount(2): whoever looks at the directory meanwhile waits.
    await until("the disk is mounted", 10_000, () => disk.#said.includes("mounted"));
    return disk;
  }

  /** @param whoWaits with "stays" not even SIGKILL ends the wait, as where a disk does not answer */
  async hang(whoWaits: "can be killed" | "stays" = "can be killed"): Promise<void> {
    this.#server.kill(whoWaits === "stays" ? "SIGUSR2" : "SIGUSR1");
    await until("the disk hangs", 10_000, () => this.#said.includes("hung"));
  }

  /** Somebody waits. */
  get asked(): boolean {
    return this.#said.includes("asked");
  }

  /** Who waits is released with an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#server, "exit");
    this.#server.kill("SIGKILL");
    await gone;
    const unmount = spawn("umount", ["-l", this.#directory], { stdio: "ignore" });
    await once(unmount, "exit");
  }
}
