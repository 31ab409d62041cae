import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { commandNumbers, readTableCounts } from "../../bench/measure/table-counts.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { benchProgram, programsMissing } from "./bench-programs.js";

const run = promisify(execFile);

interface Loop {
  readonly completed: number;
  readonly failed: number;
  readonly resumed: number;
  readonly cpu_us_user: number;
  readonly cpu_us_system: number;
  readonly wall_us: number;
  readonly error?: string;
}

async function bareLoop(argv: readonly string[]): Promise<Loop> {
  const { stdout } = await run(benchProgram("bare_loops"), argv);
  return JSON.parse(stdout) as Loop;
}

/** Port of a target of this mode, and how to send it commands. */
async function target(t: TestContext, mode: string): Promise<{ port: number; say: (command: string) => void }> {
  const child = spawn(benchProgram("target_server"), [`--${mode}`, "0"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.stdin.end());
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { ports } = JSON.parse(line.slice("ready ".length)) as { ports: readonly { port: number }[] };
  return { port: ports[0]?.port ?? 0, say: (command) => void child.stdin.write(`${command}\n`) };
}

const options = { skip: programsMissing, timeout: 180_000 };

describe("bare loops", options, () => {
  for (const { check, mode, loop, resumed = 0, extra = [] } of [
    { check: "tcp", mode: "tcp", loop: "epoll" },
    { check: "http", mode: "http", loop: "epoll" },
    { check: "tls", mode: "https", loop: "epoll" },
    { check: "tls", mode: "https", loop: "epoll", resumed: 200 - 20, extra: ["--resume"] },
    { check: "tcp", mode: "tcp", loop: "epoll", extra: ["--reuse"] },
    { check: "http", mode: "http", loop: "epoll", extra: ["--reuse"] },
    { check: "tls", mode: "https", loop: "epoll", extra: ["--reuse"] },
    { check: "tcp", mode: "tcp", loop: "io_uring" },
    { check: "http", mode: "http", loop: "io_uring" },
  ]) {
    test([loop, check, ...extra].join(" "), async (t) => {
      const { port } = await target(t, mode);
      const size = ["--addresses", "20", "--concurrency", "20", "--count", "200", "--loop", loop];
      const got = await bareLoop([check, "--target", `127.3.0.0:${port}`, ...size, ...extra]);
      if (loop === "io_uring" && got.error !== undefined) return t.skip(got.error);
      assert.deepEqual([got.completed, got.failed], [200, 0]);
      assert.ok(got.resumed >= resumed - 20 && got.resumed <= resumed, `resumed ${got.resumed}`); // a ticket may come late
      assert.ok(got.cpu_us_user + got.cpu_us_system > 0);
    });
    if (check === "tls") continue;
    test(`${[loop, check, ...extra].join(" ")}: what is refused has failed`, async (t) => {
      const { port, say } = await target(t, "tcp");
      say(`down ${port}`);
      const refused = async (): Promise<boolean> => {
        const argv = [
          check,
          "--target",
          `127.3.0.0:${port}`,
          "--addresses",
          "20",
          "--count",
          "50",
          "--loop",
          loop,
          ...extra,
        ];
        const got = await bareLoop(argv);
        return got.error !== undefined || (got.completed === 0 && got.failed === 50);
      };
      await until("all are refused", 20_000, refused);
    });
  }

  test("a rate is kept", async (t) => {
    const { port } = await target(t, "tcp");
    const got = await bareLoop(["tcp", "--target", `127.3.0.0:${port}`, "--count", "500", "--rate", "500"]);
    assert.deepEqual([got.completed, got.failed], [500, 0]);
    assert.ok(got.wall_us >= 990_000, `took ${got.wall_us} us`); // the 500th is due after 0.998 s
  });
});

describe("keepalived without IPVS", { ...options, skip: programsMissing || needs("root", "keepalived") }, () => {
  const servers = 20;

  test("its checks are real, its table is counted", async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), "holdfast-preload-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const { port, say } = await target(t, "tcp");
    const file = (name: string): string => path.join(dir, name);
    writeFileSync(file("conf"), configText(port));
    const pidFiles = ["p", "r", "c", "b"].flatMap((letter) => [`-${letter}`, file(`${letter}.pid`)]);
    const child = spawn("keepalived", ["--dont-fork", "--check", "-G", "-f", file("conf"), ...pidFiles], {
      env: {
        ...process.env,
        LD_PRELOAD: benchProgram("keepalived_ipvs_preload.so"),
        HOLDFAST_IPVS_COUNTS: file("counts"),
      },
      stdio: "ignore",
    });
    t.after(() => child.kill("SIGKILL"));

    const added = (): number => readTableCounts(file("counts")).newDestination.count;
    const removed = (): number => readTableCounts(file("counts")).deleteDestination.count;
    await until("the table is full", 30_000, () => added() === servers);
    say(`down ${port}`); // its first checks come within a second and the delay_loop, and one failure is enough
    await until("all are out", 30_000, () => removed() === servers);
    say(`up ${port}`);
    await until("all are back", 30_000, () => added() === 2 * servers);

    const exit = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await exit, [0, null]);
    const services = readFileSync(file("counts")).readBigUInt64LE(commandNumbers.deleteService * 24);
    assert.deepEqual([removed(), Number(services)], [2 * servers, 1]);
  });

  function configText(port: number): string {
    const check = "TCP_CHECK {\n connect_timeout 1\n retry 0\n }";
    const real = Array.from({ length: servers }, (_, i) => `real_server 127.4.0.${i} ${port} {\n ${check}\n }`);
    return `virtual_server 172.16.0.1 ${port} {\n delay_loop 1\n lvs_method NAT\n protocol TCP\n ${real.join("\n")}\n}\n`;
  }
});
