import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { askStatus } from "../../main/control/status-client.js";
import { holdfast } from "../harness/daemon.js";
import { HungDisk } from "../harness/hung-disk.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { Metronome } from "../harness/metronome.js";
import { hasCommand, needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** A start, which may wait for disks for 4 s. */
const SOON = 30_000;
const fuse = existsSync("/dev/fuse") && hasCommand("python3") ? false : "needs /dev/fuse and python3";
const options = { skip: needs("root", "netns", "native") || fuse, timeout: 120_000 };

const config = (hung: string, sound: string): string => `
vrrp_track_file hung {
  file ${hung}
}
vrrp_track_file sound {
  file ${sound}
}
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 100
  version 3
  advert_int 0.1
  track_file {
    hung weight 1
    sound weight 1
  }
  virtual_ipaddress {
    192.0.2.100/24
  }
}
`;

/** One on a disk that can hang, and one on a sound disk. */
async function files({ dir }: Lan): Promise<{ disk: HungDisk; sound: string; text: string }> {
  const mountPoint = path.join(dir, "hung");
  const sound = path.join(dir, "sound");
  await mkdir(mountPoint);
  await writeFile(sound, "5\n");
  const disk = await HungDisk.mount(mountPoint);
  return { disk, sound, text: config(path.join(mountPoint, "far/file"), sound) };
}

test(
  "a tracked file on a disk that hangs holds up neither adverts nor other tracked files nor the end",
  options,
  async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const a = lan.host("a");
    const { sound, text, ...place } = await files(lan);
    await using disk = place.disk;
    using machine = new Metronome();
    const daemon = await a.start(holdfast("memory"), text, ["--no-syslog"]);
    await until("master", SOON, () => a.hasAddress("192.0.2.100"));
    await daemon.says("Startup complete"); // it answers questions
    const status = () => askStatus(daemon.files.controlSocket);
    const priority = async (): Promise<number | undefined> => (await status()).instances[0]?.effectivePriority;
    await until("the file that can be read counts", SOON, async () => (await priority()) === 105);
    await disk.hang();
    await until("it waits for the disk", SOON, () => disk.asked);
    await writeFile(sound, "7\n");
    await until("a change of the other counts", SOON, async () => (await priority()) === 107);
    const { max } = (await status()).loopDelay;
    assert.ok(max - machine.worst < 1000, `the main thread was away for ${max} ms`);
    await daemon.stop();
    assert.equal(await a.hasAddress("192.0.2.100"), false);
  },
);

test("a tracked file on a disk that hangs already does not hold up the start", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const { text, ...place } = await files(lan);
  await using disk = place.disk;
  await disk.hang();
  const daemon = await a.start(holdfast("memory"), text, ["--no-syslog"]);
  await until("master", SOON, () => a.hasAddress("192.0.2.100"));
  await until("it was asked", SOON, () => disk.asked);
  await daemon.says("Startup complete");
  const status = () => askStatus(daemon.files.controlSocket);
  const counts = async (): Promise<boolean> => (await status()).instances[0]?.effectivePriority === 105;
  await until("the file that can be read counts", SOON, counts);
  await daemon.says(/directory .*hung\/far does not answer - taking it as there/);
  await daemon.stop();
  assert.equal(await a.hasAddress("192.0.2.100"), false);
});

/** What a load may wait for all disks together is 4 s; before it was given up after a minute. */
const RELOADED_WITHIN_MS = 30_000;

test(
  "scripts and tracked files on a disk that hangs hold up neither the first start nor a reload",
  options,
  async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const a = lan.host("a");
    const { text, ...place } = await files(lan);
    await using disk = place.disk;
    await disk.hang();
    using machine = new Metronome();
    const script = path.join(lan.dir, "hung/far/check");
    const withScript = `${text}\nvrrp_script gone {\n  script ${script}\n  user root\n}\n`;
    const daemon = await a.start(holdfast("memory"), withScript, ["--no-syslog"]);
    await until("master", SOON, () => a.hasAddress("192.0.2.100"));
    await daemon.says(/track script gone: .*hung\/far\/check does not answer - taking it as there/, "Startup complete");
    await writeFile(daemon.files.config, withScript.replace("priority 100", "priority 120"));
    daemon.signal("SIGHUP");
    await until("it has reloaded", RELOADED_WITHIN_MS, async () => (await daemon.log()).includes("Reload complete"));
    const { instances, loopDelay } = await askStatus(daemon.files.controlSocket);
    assert.equal(instances[0]?.priority, 120);
    assert.ok(loopDelay.max - machine.worst < 1000, `the main thread was away for ${loopDelay.max} ms`);
    await daemon.stop();
  },
);

const alone = `vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 100
  version 3
  advert_int 0.1
  virtual_ipaddress {
    192.0.2.100/24
  }
}
`;

test("a log file on a disk that hangs does not hold up the end", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const mountPoint = path.join(lan.dir, "hung");
  await mkdir(mountPoint);
  await using disk = await HungDisk.mount(mountPoint);
  await disk.hang();
  const file = path.join(mountPoint, "far/log");
  const daemon = await a.start(holdfast("memory"), alone, ["--no-syslog", `--log-file=${file}`]);
  await until("master", SOON, () => a.hasAddress("192.0.2.100"));
  assert.equal(disk.asked, true);
  await daemon.stop();
  assert.equal(await a.hasAddress("192.0.2.100"), false);
});
