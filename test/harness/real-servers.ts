import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { run } from "./command.js";
import type { Host } from "./host.js";
import { cert, key } from "./tls-identity.js";

/** Debian's nginx, exim4 and unbound on one host, each with files of its own below `dir`: what checks are made for. */

export interface RealServers {
  start(): Promise<void>;
  /** As `systemctl stop` would. */
  stop(): Promise<void>;
}

const nginxConf = (dir: string): string => `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/nginx-error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  server {
    listen 80;
    listen [::]:80;
    listen 443 ssl;
    listen [::]:443 ssl;
    ssl_certificate ${dir}/cert.pem;
    ssl_certificate_key ${dir}/key.pem;
    location = /good { return 200 "hello"; }
    location = /moved { return 302 /good; }
    location = /bad { return 503 "busy"; }
  }
  server {
    listen 8443 ssl default_server;
    ssl_reject_handshake on;
  }
  server {
    listen 8443 ssl;
    server_name named.example;
    ssl_certificate ${dir}/cert.pem;
    ssl_certificate_key ${dir}/key.pem;
    location = /good { return 200 "$ssl_server_name $server_protocol"; }
  }
}
`;

/** Greets, answers HELO (not that of bad.example), takes no mail. */
const eximConf = (dir: string): string => `
primary_hostname = mx.example
spool_directory = ${dir}/spool
log_file_path = ${dir}/spool/%slog
keep_environment =
daemon_smtp_ports = 25
rfc1413_hosts =
host_lookup =
helo_verify_hosts =
acl_smtp_helo = hello
acl_smtp_rcpt = deny
begin acl
hello:
  deny condition = \${if eq{$sender_helo_name}{bad.example}}
  accept
`;

/** Authoritative for example. and the root; asks nobody. */
const unboundConf = (dir: string): string => `
server:
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "${dir}"
  pidfile: ""
  use-syslog: no
  logfile: "${dir}/unbound.log"
  interface: 0.0.0.0
  interface: ::0
  port: 53
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  module-config: "iterator"
  local-zone: "." static
  local-data: ". 60 IN SOA a. b. 1 60 60 60 60"
  local-data: "example. 60 IN SOA ns.example. root.example. 1 60 60 60 60"
  local-data: "example. 60 IN NS ns.example."
  local-data: "example. 60 IN MX 1 mx.example."
  local-data: "www.example. 60 IN A 192.0.2.2"
  local-data: "www.example. 60 IN AAAA 2001:db8::2"
  local-data: "www.example. 60 IN TXT 'text'"
remote-control:
  control-enable: no
`;

export async function realServers(host: Host, dir: string): Promise<RealServers> {
  const spool = path.join(dir, "spool");
  await mkdir(spool);
  await run(["chmod", "755", dir]);
  await run(["chown", "Debian-exim", spool]);
  const write = (name: string, text: string): Promise<void> => writeFile(path.join(dir, name), text);
  await write("nginx.conf", nginxConf(dir));
  await write("exim.conf", eximConf(dir));
  await write("unbound.conf", unboundConf(dir));
  await write("cert.pem", cert);
  await write("key.pem", key);
  const commands = [
    ["nginx", "-p", dir, "-c", path.join(dir, "nginx.conf"), "-e", path.join(dir, "nginx-error.log")],
    ["exim4", "-bdf", "-C", path.join(dir, "exim.conf"), "-oP", path.join(spool, "exim.pid")],
    ["unbound", "-d", "-c", path.join(dir, "unbound.conf")],
  ];
  let running: ChildProcess[] = [];
  return {
    start: async () => {
      for (const command of commands) running.push(await host.spawn(command));
    },
    stop: async () => {
      for (const child of running) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exit = once(child, "exit");
        child.kill("SIGTERM");
        await exit;
      }
      running = [];
    },
  };
}
