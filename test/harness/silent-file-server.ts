import { spawn } from "node:child_process";
import { once } from "node:events";

/** Python, because Node has no fcntl(2): F_SETLEASE is 1024, F_WRLCK 1. The kernel asks for it back with SIGIO, in vain. */
const HOLD = `
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDONLY)
while True:
    try: fcntl.fcntl(file, 1024, 1)
    except BlockingIOError: time.sleep(0.005)  # somebody reads it just now
    else: break
print("held", flush=True)
sys.stdin.read()
`;

/**
 * Whoever opens or runs `file` waits, as for a file server that is gone, until this is disposed of, or a signal ends the wait
 * (fcntl(2), leases). The kernel itself gives up after /proc/sys/fs/lease-break-time, 45 s.
 */
export async function withoutAnswer(file: string): Promise<AsyncDisposable> {
  const holder = spawn("python3", ["-c", HOLD, file], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  return {
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end();
      await once(holder, "exit");
    },
  };
}
