import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { renameSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { askStatus } from "../../main/control/status-client.js";
import { Daemon, holdfast } from "../harness/daemon.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** A checker thread that hangs in native code: only a new process is rid of it, and it has to know what the old one knew. */

const options = { skip: needs("native"), timeout: 120_000 };

const dead = `
  real_server 127.0.0.1 9 {
    weight 1
    TCP_CHECK { connect_timeout 1 }
  }`;
const secure = `
  real_server 127.0.0.1 10 {
    weight 1
    SSL_GET {
      url { path / }
      connect_timeout 1
    }
  }`;
const service = (...servers: readonly string[]): string => `
virtual_server 192.0.2.9 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
${servers.join("\n")}
}
`;

test(
  "a checker thread that hangs in native code: the daemon is started again and knows who was down",
  options,
  async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "holdfast-stuck-"));
    try {
      // Whoever reads certificates out of a pipe waits for somebody who writes; OpenSSL does so inside the engine.
      const pipe = path.join(dir, "ca.pem");
      execFileSync("mkfifo", [pipe]);
      const daemon = await Daemon.startHere(holdfast("memory"), dir, service(dead), ["--check"]);
      await using _ = daemon;
      const says = (text: string): Promise<unknown> =>
        until(`the log says ${text}`, 20_000, async () => (await daemon.log()).includes(text));
      await says("Startup complete");
      await says("Removing service [127.0.0.1]:tcp:9");
      const { pid } = await askStatus(daemon.files.controlSocket);

      await writeFile(`${pipe}.new`, "no certificate\n");
      await writeFile(daemon.files.config, `SSL {\n  ca ${pipe}\n}\n${service(dead, secure)}`);
      daemon.signal("SIGHUP");
      await says("A checker thread hangs and cannot be ended");
      renameSync(`${pipe}.new`, pipe); // for the next daemon
      await says("taking over with the state that it left");
      await says("SSL_CHECK on service [127.0.0.1]:tcp:10 could not be made");
      const startedAgain = async (): Promise<boolean> =>
        ((await daemon.log()).split("taking over").at(-1) ?? "").includes("Startup complete");
      await until("it answers questions", 20_000, startedAgain);

      const status = await askStatus(daemon.files.controlSocket);
      assert.notEqual(status.pid, pid);
      const states = status.virtualServers[0]?.realServers.map(({ rs, state }) => `${rs} ${state}`);
      assert.deepEqual(states, ["[127.0.0.1]:tcp:9 down", "[127.0.0.1]:tcp:10 up"]);
      const after = (await daemon.log()).split("taking over")[1] ?? "";
      assert.ok(!after.includes("[127.0.0.1]:tcp:9 to VS"), "nobody who is down comes back unchecked");
    } finally {
      await rm(dir, { recursive: true });
    }
  },
);
