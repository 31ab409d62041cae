import assert from "node:assert/strict";
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { makeFifo } from "../../native-bindings/fifo.js";
import { holdfast, keepalived, type Program } from "../harness/daemon.js";
import { instanceText } from "../harness/instance-text.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** The same things happen to keepalived and to us: the same scripts with the same arguments, the same lines on the FIFOs. */

/** Version 3, advert_int 0.1: an election takes 0.4 s at most. Everything else is a daemon's start, and a busy machine. */
const PATIENCE_MS = 15_000;

interface Told {
  /** Lines of the pipe that the test reads itself, by instance. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  /** What the reader that the daemon starts got: its arguments, then lines. */
  readonly reader: readonly string[];
  /** Words of each notify script, by instance, in the order in which they ran. */
  readonly scripts: ReadonlyMap<string, readonly string[]>;
}

const kinds = ["master", "backup", "fault", "stop", "deleted", "master_rx_lower_pri"] as const;

function instance(dir: string, name: string, vrid: number, priority: number): string {
  return `vrrp_instance ${name} {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 0.1
  virtual_ipaddress { 192.0.2.${vrid}/24 }
  track_script { flag }
  ${kinds.map((kind) => `notify_${kind} "${dir}/told ${name} ${kind}"`).join("\n  ")}
  notify "${dir}/told ${name} all"
}
`;
}

const globals = (dir: string): string => `global_defs {
  router_id test
  script_user root
  enable_script_security
  notify_fifo ${dir}/all.fifo
  vrrp_notify_fifo ${dir}/vrrp.fifo
  vrrp_notify_fifo_script "${dir}/reader word"
  vrrp_notify_priority_changes
}
vrrp_script flag {
  script "/usr/bin/test -e ${dir}/flag"
  interval 0.2
  timeout 10
  weight -10
}
`;

const peer = `global_defs {
  router_id peer
}
vrrp_instance V1 {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id 51
  priority 100
  advert_int 0.1
  higher_prio_send_advert
  virtual_ipaddress { 192.0.2.51/24 }
}
`;

/** A pipe as its reader has it; nothing waits for anybody. */
class Pipe implements Disposable {
  readonly #fd: number;
  #text = "";

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static async create(file: string): Promise<Pipe> {
    assert.equal(await makeFifo(file, 0o600), 0);
    return new Pipe(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
  }

  lines(): readonly string[] {
    const buffer = Buffer.alloc(65_536);
    try {
      this.#text += buffer.toString("utf8", 0, readSync(this.#fd, buffer));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
    return this.#text.split("\n").slice(0, -1);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

async function script(file: string, text: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
}

async function toldBy(program: Program): Promise<Told> {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const { dir } = lan;
  await chmod(dir, 0o755);
  const flag = path.join(dir, "flag");
  await writeFile(flag, "");
  await script(`${dir}/told`, `echo "$*" >> ${dir}/scripts`);
  await script(`${dir}/reader`, `echo "$*" >> ${dir}/read\nexec cat "$2" >> ${dir}/read`);
  using pipe = await Pipe.create(`${dir}/all.fifo`);
  const [a, b] = [lan.host("a"), lan.host("b")];
  const says = (line: string, times = 1): Promise<unknown> =>
    until(`the FIFO says ${line}`, PATIENCE_MS, () => pipe.lines().filter((each) => each === line).length >= times);

  const read = async (file: string): Promise<readonly string[]> =>
    (await readFile(file, "utf8")).split("\n").slice(0, -1);
  const arrives = (last: string, file: string): Promise<unknown> =>
    until(`"${last}" in ${file}`, PATIENCE_MS, async () => (await read(`${dir}/${file}`)).includes(last));

  await b.start(keepalived, peer, ["--vrrp"]);
  await until("the peer is master", PATIENCE_MS, () => b.hasAddress("192.0.2.51"));
  const conf = globals(dir) + instance(dir, "V1", 51, 200) + instance(dir, "V2", 52, 150);
  const daemon = await a.start(program, conf, ["--vrrp"]);
  await says('INSTANCE "V1" MASTER 200');
  await says('INSTANCE "V2" MASTER 150');

  await rm(flag);
  await says('INSTANCE "V1" MASTER_PRIORITY 190');
  await says('INSTANCE "V2" MASTER_PRIORITY 140');
  await writeFile(flag, "");
  await says('INSTANCE "V1" MASTER_PRIORITY 200');
  await says('INSTANCE "V2" MASTER_PRIORITY 150');

  await lan.cut("a", "silence");
  await until("the peer is master too", PATIENCE_MS, () => b.hasAddress("192.0.2.51"));
  await lan.heal("a"); // the peer answers the stronger one's advert with its own
  await says('INSTANCE "V1" MASTER_RX_LOWER_PRI 200');
  await until("the peer gives way", PATIENCE_MS, async () => !(await b.hasAddress("192.0.2.51")));

  await lan.cut("a", "carrier");
  await says('INSTANCE "V2" FAULT 150');
  await lan.heal("a");
  await says('INSTANCE "V1" MASTER 200', 2);
  await says('INSTANCE "V2" MASTER 150', 2);

  await writeFile(daemon.files.config, globals(dir) + instance(dir, "V2", 52, 150));
  daemon.signal("SIGHUP");
  await says('INSTANCE "V1" DELETED 200');
  await until("the reload is over", PATIENCE_MS, async () => (await daemon.log()).includes("Reload complete"));
  for (const last of ["V1 deleted", "V1 all INSTANCE V1 DELETED 200"]) await arrives(last, "scripts");
  await daemon.stop();
  await says('INSTANCE "V2" STOP 150');
  // Who was told of the stop may be at work when the daemon has ended: keepalived waits for nobody, and ends its reader before.
  for (const last of ["V2 stop", "V2 all INSTANCE V2 STOP 150"]) await arrives(last, "scripts");
  if (program.name === "holdfast") await arrives('INSTANCE "V2" STOP 150', "read");
  const lines = pipe.lines().map((line) => line.split(" "));
  const scripts = (await read(`${dir}/scripts`)).map((line) => line.split(" "));
  return {
    lines: byName(lines, 1),
    reader: (await read(`${dir}/read`)).map((line) => line.replace(dir, "DIR")),
    scripts: byName(scripts, 0),
  };
}

/** Lines by the word at `at`, without those of weaker adverts: how often one is heard is a matter of timing. */
function byName(lines: readonly (readonly string[])[], at: number): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const words of lines) {
    const name = (words[at] ?? "").replaceAll('"', "");
    const own = found.get(name) ?? [];
    found.set(name, own);
    if (words[at + 1] !== "MASTER_RX_LOWER_PRI") own.push(words.join(" "));
  }
  return found;
}

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 120_000 };

test("beside keepalived: the same lines on the FIFOs, the same scripts with the same words", options, async (t) => {
  const theirs = await toldBy(keepalived);
  const ours = await toldBy(holdfast("memory"));
  for (const name of ["V1", "V2"]) {
    t.diagnostic(`${name}: ${theirs.lines.get(name)?.join(", ")}`);
    assert.deepEqual(ours.lines.get(name), theirs.lines.get(name), `FIFO lines of ${name}`);
    // keepalived starts all scripts at once, so their order is chance there; ours is that of the events.
    const sorted = ({ scripts }: Told): readonly string[] =>
      [...new Set(scripts.get(name))].toSorted((x, y) => x.localeCompare(y));
    assert.deepEqual(sorted(ours), sorted(theirs), `scripts of ${name}`);
  }
  assert.deepEqual(
    ours.scripts.get("V2"),
    ["backup", "master", "fault", "backup", "master", "stop"].flatMap((state) => [
      `V2 ${state}`,
      `V2 all INSTANCE V2 ${state.toUpperCase()} 150`,
    ]),
  );
  // The reader of vrrp_notify_fifo has the path as its last word, and the lines of both instances in order.
  assert.equal(ours.reader[0], "word DIR/vrrp.fifo");
  assert.equal(theirs.reader[0], ours.reader[0]);
  assert.ok(ours.scripts.get("V1")?.includes("V1 master_rx_lower_pri"));
  const ofV2 = ours.reader.filter((line) => line.includes('"V2"'));
  assert.deepEqual(ofV2, ours.lines.get("V2"), "to the last line");
});

test("lvs_notify_fifo: servers and services, as health has them; rs_init_notifies", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const { dir } = lan;
  const a = lan.host("a");
  using pipe = await Pipe.create(`${dir}/lvs.fifo`);
  const listener = await a.spawn(["python3", "-m", "http.server", "8080", "--bind", "127.0.0.1"]);
  const connects = ["python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080))"];
  await until("the server listens", PATIENCE_MS, async () => (await a.attempt(connects)).code === 0);
  const config = `global_defs {
  router_id test
  script_user root
  enable_script_security
  lvs_notify_fifo ${dir}/lvs.fifo
  vrrp_notify_fifo ${dir}/vrrp.fifo
  rs_init_notifies
}
virtual_server 192.0.2.100 80 {
  delay_loop 1
  protocol TCP
  lb_kind NAT
  real_server 127.0.0.1 8080 {
    TCP_CHECK {
      connect_timeout 1
      retry 0
      warmup 0
    }
  }
}
`;
  const daemon = await a.start(holdfast("memory"), config);
  const said = (count: number): Promise<unknown> =>
    until(`${count} lines`, PATIENCE_MS, () => pipe.lines().length >= count);
  await said(2);
  listener.kill();
  await said(4);
  await daemon.stop();
  const server = "RS [127.0.0.1]:tcp:8080 [192.0.2.100]:tcp:80";
  const service = "VS [192.0.2.100]:tcp:80";
  assert.deepEqual(pipe.lines(), [`${server} UP`, `${service} UP`, `${server} DOWN`, `${service} DOWN`]);
  assert.equal(existsSync(`${dir}/vrrp.fifo`), false, "without virtual routers there is nothing to tell");
});

test(
  "a full pipe that nobody reads and scripts that hang hold up no advert, and no state is lost",
  options,
  async (t) => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const { dir } = lan;
    await chmod(dir, 0o755);
    await script(`${dir}/hang`, `echo $$ >> ${dir}/hanging\nexec sleep 1000`);
    const file = `${dir}/vrrp.fifo`;
    using pipe = await Pipe.create(file);
    fill(file);
    const daemon = await lan.host("a").start(
      holdfast("memory"),
      `global_defs {
  router_id test
  script_user root
  enable_script_security
  vrrp_notify_fifo ${file}
}
${instanceText("192.0.2.51", `  notify "${dir}/hang"\n`)}`,
      ["--vrrp"],
    );
    const capture = await lan.capture();
    await until("it is master", PATIENCE_MS, () => lan.host("a").hasAddress("192.0.2.51"));
    const adverts = async (): Promise<readonly number[]> =>
      (await capture.frames()).filter((frame) => frame.kind === "advert").map(({ at }) => at);
    await until("30 adverts", PATIENCE_MS, async () => (await adverts()).length >= 30);
    const times = await adverts();
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
    const median = gaps.toSorted((x, y) => x - y)[Math.floor(gaps.length / 2)] ?? 0;
    t.diagnostic(`gaps between adverts: median ${median.toFixed(1)} ms, longest ${Math.max(...gaps).toFixed(1)} ms`);
    // The longest is the machine's, with other tests on it; whoever waited for a reader would send none at all.
    assert.ok(median > 95 && median < 110, `median ${median.toFixed(1)} ms`);
    assert.ok((await readFile(`${dir}/hanging`, "utf8")).length > 0, "the script hangs");
    assert.ok(
      pipe.lines().every((line) => line === filler),
      "the pipe was full of other things",
    );
    const told = (): readonly string[] => pipe.lines().filter((line) => line !== filler);
    await until("what waited arrives", PATIENCE_MS, () => told().length >= 2);
    await daemon.stop();
    await until("the last state too", PATIENCE_MS, () => told().length >= 3);
    assert.deepEqual(
      told(),
      ["BACKUP", "MASTER", "STOP"].map((state) => `INSTANCE "V1" ${state} 200`),
    );
  },
);

const filler = "x".repeat(1023);

/** Until not one more line fits. */
function fill(file: string): void {
  const fd = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(fd, `${filler}\n`);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
  } finally {
    closeSync(fd);
  }
}
