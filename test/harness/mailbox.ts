import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { run } from "./command.js";
import type { Host } from "./host.js";
import { parseMail, type SunkMail } from "./mail-sink.js";

/** Debian's exim4 on port 25 of a host's loopback, which puts every mail into one file. */
export interface Mailbox {
  /** Delivered so far, in full. */
  mails(): Promise<readonly SunkMail[]>;
}

const conf = (dir: string): string => `
primary_hostname = mx.example
spool_directory = ${dir}
log_file_path = ${dir}/%slog
keep_environment =
daemon_smtp_ports = 25
local_interfaces = 127.0.0.1
rfc1413_hosts =
host_lookup =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  file = ${dir}/box
  user = Debian-exim
  delivery_date_add = false
  envelope_to_add = false
  return_path_add = false
`;

export async function mailbox(host: Host, dir: string): Promise<Mailbox> {
  await mkdir(dir);
  await run(["chown", "Debian-exim", dir]);
  await writeFile(path.join(dir, "conf"), conf(dir)); // root's: others' are refused
  await host.spawn(["exim4", "-bdf", "-C", path.join(dir, "conf"), "-oP", path.join(dir, "pid")]);
  return {
    mails: async () => {
      const read = (name: string): Promise<string> => readFile(path.join(dir, name), "utf8").catch(() => "");
      // A long mail is written in many pieces, one mail after the other; the log, which is read first, says which are whole.
      const whole = (await read("mainlog")).match(/ Completed$/gm)?.length ?? 0;
      const mails = (await read("box")).split(/^From (?=\S+ [A-Z][a-z]{2} )/m).slice(1, 1 + whole);
      return mails.map((mail) => parseMail("", [], mail.slice(mail.indexOf("\n") + 1).replaceAll("\n", "\r\n")));
    },
  };
}
