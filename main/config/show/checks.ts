import type { CheckTarget, CheckTiming, HttpCheckConfig, HttpUrlConfig } from "../model.js";
import type { BodyPattern, MiscCheckConfig, ServerCheckConfig, UdpCheckConfig } from "../model-checks.js";
import { type ConfWriter, userWords } from "./conf-writer.js";
import { inSeconds } from "./seconds.js";

/** A checker with everything that it inherited. */
export function showCheck(check: ServerCheckConfig, out: ConfWriter): void {
  out.block(check.type, [], () => {
    switch (check.type) {
      case "HTTP_GET":
      case "SSL_GET":
        showHttp(check, out);
        break;
      case "SMTP_CHECK":
        out.line("helo_name", check.heloName);
        break;
      case "DNS_CHECK":
        out.line("type", check.queryType);
        out.line("name", check.name);
        break;
      case "UDP_CHECK":
        showUdp(check, out);
        break;
      case "MISC_CHECK":
        showMisc(check, out);
        break;
      case "FILE_CHECK":
        out.line("track_file", check.trackFile);
        if (check.weight !== undefined) out.line("weight", check.weight, senseOf(check.reverse));
        break;
      case "BFD_CHECK":
        out.line("name", check.name);
        out.onOff("alpha", check.timing.alpha);
        return; // its block knows no other times
      case "TCP_CHECK":
        out.line("close_with", check.closeWith);
        break;
      case "PING_CHECK":
        break;
    }
    if ("target" in check) showTarget(check.target, out);
    if ("timing" in check) showTiming(check.timing, check.type, out);
  });
}

const senseOf = (reverse: boolean | undefined): string | undefined =>
  reverse === undefined ? undefined : reverse ? "reverse" : "noreverse";

function showTarget(target: CheckTarget, out: ConfWriter): void {
  out.line("connect_ip", target.address);
  if (target.port !== 0) out.line("connect_port", target.port); // only PING_CHECK can do without
  out.setting("bindto", target.bindAddress);
  out.setting("bind_port", target.bindPort);
  out.setting("bind_if", target.bindInterface);
  out.line("fwmark", target.fwmark);
}

function showTiming(timing: CheckTiming, type: ServerCheckConfig["type"], out: ConfWriter): void {
  out.line("delay_loop", inSeconds(timing.delayLoop));
  if (timing.fastInterval !== undefined) out.line("fast_interval", inSeconds(timing.fastInterval));
  out.line("jitter", inSeconds(timing.jitter));
  if (type !== "MISC_CHECK") out.line("connect_timeout", inSeconds(timing.connectTimeout));
  out.line("retry", timing.retry);
  out.line("rise", timing.rise);
  out.line("delay_before_retry", inSeconds(timing.delayBeforeRetry));
  out.line("warmup", inSeconds(timing.warmup));
  out.onOff("alpha", timing.alpha);
  out.onOff("log_all_failures", timing.logAllFailures);
}

function showHttp(check: HttpCheckConfig, out: ConfWriter): void {
  out.line("http_protocol", check.httpProtocol);
  out.setting("sni_name", check.sniName);
  out.onOff("enable_sni", check.enableSni);
  out.onOff("fast_recovery", check.fastRecovery);
  out.line("close_with", check.closeWith);
  if (check.type === "SSL_GET") out.onOff("session_resumption", check.sessionResumption);
  for (const url of check.urls) out.block("url", [], () => showUrl(url, check.type, out));
}

function showUrl(url: HttpUrlConfig, type: HttpCheckConfig["type"], out: ConfWriter): void {
  out.line("path", url.path);
  out.line("virtualhost", url.host);
  out.line("status_code", ...url.statusCodes.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)));
  out.setting("digest", url.digest);
  if (url.body !== undefined) showBody(url.body, out);
  if (type === "SSL_GET") out.onOff("tls_compliant", url.tlsCompliant);
}

function showBody({ pattern, options, noMatch, minOffset, maxOffset, stack }: BodyPattern, out: ConfWriter): void {
  out.escaped("regex", pattern);
  if (options.length > 0) out.line("regex_options", ...options);
  out.flag("regex_no_match", noMatch);
  out.line("regex_min_offset", minOffset);
  out.setting("regex_max_offset", maxOffset);
  if (stack !== undefined) out.line("regex_stack", stack.start, stack.max);
}

function showUdp(check: UdpCheckConfig, out: ConfWriter): void {
  out.setting("payload", check.payload);
  if (check.requireReply) out.line("require_reply", check.reply);
  out.line("min_reply_length", check.minReplyLength);
  out.line("max_reply_length", check.maxReplyLength);
}

function showMisc({ command, timeout, inheritsTimeout, dynamic }: MiscCheckConfig, out: ConfWriter): void {
  out.command("misc_path", command.argv);
  out.line("user", ...userWords(command.user));
  out.line("misc_timeout", inheritsTimeout ? 0 : inSeconds(timeout));
  out.flag("misc_dynamic", dynamic);
}
