/** What is known about one kind of findings. `-t`, SARIF, docs/errors.md and the tests read it. */
export interface CodeEntry {
  /**
   * keepalived's exit code under `-t`. The highest wins, except that a missing parameter (2) ends keepalived at once.
   * 0: shown, but the test passes as it does in keepalived.
   */
  readonly exit: 0 | 2 | 4 | 5 | 6;
  /** Completes the sentence "The finding says that ...". */
  readonly title: string;
  /** What happens, and why it is so. */
  readonly why: string;
  /** A configuration with this finding and no other, unless `besides` names one. Undefined: there is no file at all. */
  readonly bad: string | undefined;
  /** The same, corrected: without any finding but `besides`. */
  readonly good: string;
  /** Another code that the example cannot be without. */
  readonly besides?: string;
  /** Other files beside the two. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A configuration as it stands in the table: without the indentation of the table. */
const conf = (text: string): string => text.replace(/^\n/, "").replace(/\s+$/, "\n").replace(/^ {6}/gm, "");

/** Codes are stable: tools filter by them. */
export const diagnosticCodes = {
  CFG_FILE: {
    exit: 4,
    title: "the configuration file cannot be read",
    why: "There is no such file, it is a directory, or the user may not read it. Without it there is nothing to check; a daemon does not start, and a reload leaves everything as it is. The sentence ends with the system's reason: ENOENT (no such file), EACCES (permission), EISDIR (directory).",
    bad: undefined,
    good: conf(`
      global_defs {
        router_id web1
      }`),
  },
  CFG_TEXT: {
    exit: 5,
    title: "the file holds something that is no text",
    why: "A NUL byte, a byte order mark, or a line that is longer than any line of a configuration. The line in question is left out. Usual causes: a file saved as UTF-16, a binary file, a template that put everything on one line. Also reported when a file asks for more lines or memory than a configuration can need.",
    bad: conf(`
      global_defs {
        router_id web1
        lvs_id \0web1
      }`),
    good: conf(`
      global_defs {
        router_id web1
      }`),
  },
  CFG_ENCODING: {
    exit: 0,
    title: "the line is not valid UTF-8",
    why: "The bytes in question are read as the replacement character. That does no harm in a comment; in a name or a password it makes another one than was meant. Save the file as UTF-8.",
    bad: conf(`
      global_defs {
        router_id caf\uFFFD
      }`),
    good: conf(`
      global_defs {
        router_id café
      }`),
  },
  CFG_TOO_MANY: {
    exit: 5,
    title: "there are more findings than are shown",
    why: "The first thousand findings are kept, the others are counted. Usually the file is no configuration at all, or one brace near its beginning makes everything after it wrong: correct the first findings and check again.",
    bad: "It_was_a_dark_and_stormy_night\n".repeat(1001),
    good: conf(`
      global_defs {
        router_id web1
      }`),
    besides: "CFG_UNKNOWN_KEYWORD",
  },
  CFG_QUOTE: {
    exit: 5,
    title: "a quote is opened and not closed",
    why: "A quoted text ends on the line on which it begins. keepalived drops what follows the open quote, and so do we: the value may be missing then, which is a finding of its own.",
    bad: conf(`
      global_defs {
        router_id web1 "in rack 7
      }`),
    good: conf(`
      global_defs {
        router_id "web1 in rack 7"
      }`),
  },
  CFG_BRACE: {
    exit: 5,
    title: "braces do not match, or stand where no block begins",
    why: "A block that is not closed takes in everything after it; a brace too many closes a block early. keepalived goes on at the wrong level and then reports each line; we name the brace, and skip what cannot be placed. For an unclosed block the position is where it begins.",
    bad: conf(`
      global_defs {
        router_id web1
      }}`),
    good: conf(`
      global_defs {
        router_id web1
      }`),
  },
  CFG_UNKNOWN_KEYWORD: {
    exit: 5,
    title: "a word is unknown in this place",
    why: "It is misspelled, belongs into another block, or is an option that the keyword does not take. The line, or the whole block that it begins, is left out. `holdfast explain WORD` tells where a word may stand.",
    bad: conf(`
      global_defs {
        ruoter_id web1
      }`),
    good: conf(`
      global_defs {
        router_id web1
      }`),
  },
  CFG_MISSING_PARAMETER: {
    exit: 2,
    title: "a keyword has no value",
    why: "At this point keepalived stops reading and ends with 2, so nothing after the line was ever looked at. We leave the line out and go on.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        priority
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
    good: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        priority 150
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
  },
  CFG_BAD_VALUE: {
    exit: 5,
    title: "a value is not one that the keyword takes",
    why: "It is no number, out of range, no address, of the wrong address family, or none of the words that are allowed. The sentence says what holds instead: mostly the value from before or the default, as in keepalived.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        priority 300
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
    good: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        priority 250
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
  },
  CFG_SURPLUS: {
    exit: 0,
    title: "words after the value are ignored",
    why: "The keyword takes fewer words. keepalived ignores the others in silence; often they were meant as a comment whose `#` was forgotten, a text with blanks lacks its quotes, or they are a second keyword: each begins a line of its own, in a block of one line too.",
    bad: conf(`
      global_defs {
        router_id web1 rack7
      }`),
    good: conf(`
      global_defs {
        router_id web1  # rack7
      }`),
  },
  CFG_REPEATED: {
    exit: 5,
    title: "a keyword that counts once is given again in the same block",
    why: "Only one of the two holds; the sentence says which. Keywords that may be repeated in silence, with the last one holding, are not reported.",
    bad: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        notify_master "/usr/bin/notify up"
        notify_master "/usr/bin/notify mail"
      }`),
    good: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        notify_master "/usr/bin/notify up mail"
      }`),
  },
  CFG_INCOMPLETE: {
    exit: 5,
    title: "a block lacks something that it cannot work without",
    why: "An instance without virtual router id or interface, a script without command, an HTTP check without url. The block is left out; the position is where it begins.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
    good: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
  },
  CFG_DUPLICATE: {
    exit: 5,
    title: "two blocks or entries claim the same thing",
    why: "The same name twice, one virtual router id twice on an interface, a real server twice in a virtual server, an address twice in a list. Unlike CFG_REPEATED it is about what they stand for, so they may be far apart or in different files. Copied blocks are the usual cause.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
      }
      vrrp_instance mail {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.2/24 }
      }`),
    good: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
      }
      vrrp_instance mail {
        interface eth0
        virtual_router_id 52
        virtual_ipaddress { 10.0.0.2/24 }
      }`),
  },
  CFG_UNKNOWN_NAME: {
    exit: 5,
    title: "a name refers to nothing",
    why: "A script, an instance or a group that no block defines, or a user or group that the system does not have. What refers to it is left out: nothing is tracked, the script is not run.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        track_script { haproxy }
      }`),
    good: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_script haproxy {
        script /usr/bin/check
      }
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        track_script { haproxy }
      }`),
  },
  CFG_INTERFACE: {
    exit: 5,
    title: "the host has no such network interface",
    why: "The configuration is checked against the host on which the check runs. An instance on such an interface is in FAULT until it appears. When interfaces come and go, dynamic_interfaces in global_defs makes it no error.",
    bad: conf(`
      vrrp_instance web {
        interface eth7
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
    good: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
      }`),
  },
  CFG_INTERFACE_MISSING: {
    exit: 4,
    title: "a setting is for a network interface that the host does not have",
    why: "linkbeat_interfaces and interface_up_down_delays are for interfaces that are there, whatever dynamic_interfaces says. The line is left out.",
    bad: conf(`
      linkbeat_interfaces {
        eth7
      }`),
    good: conf(`
      linkbeat_interfaces {
        eth0
      }`),
  },
  CFG_ADJUSTED: {
    exit: 5,
    title: "a setting is not used as it is written",
    why: "It can be read, but contradicts another setting, the protocol or a limit, so something else is used in its place: what keepalived would use. The service runs; `-t` fails as keepalived's does.",
    bad: conf(`
      virtual_server 10.0.0.1 80 {
        lb_algo rr
        lb_kind NAT
        protocol TCP
        quorum 2
        real_server 192.168.0.10 80 {
        }
      }`),
    good: conf(`
      virtual_server 10.0.0.1 80 {
        lb_algo rr
        lb_kind NAT
        protocol TCP
        quorum 1
        real_server 192.168.0.10 80 {
        }
      }`),
  },
  CFG_DEPRECATED: {
    exit: 5,
    title: "a word or a usage is deprecated, and keepalived says so",
    why: "It works, but will go. keepalived's `-t` fails on it, so ours does too. The remedy names what to write.",
    bad: conf(`
      virtual_server 10.0.0.1 80 {
        lb_algo rr
        lb_kind NAT
        protocol TCP
        real_server 192.168.0.10 80 {
          HTTP_GET {
            url {
              path /
              status_code 200
            }
            nb_get_retry 3
          }
        }
      }`),
    good: conf(`
      virtual_server 10.0.0.1 80 {
        lb_algo rr
        lb_kind NAT
        protocol TCP
        real_server 192.168.0.10 80 {
          HTTP_GET {
            url {
              path /
              status_code 200
            }
            retry 3
          }
        }
      }`),
  },
  CFG_RENAMED: {
    exit: 0,
    title: "a word is an old spelling of another one",
    why: "It works and means the same. keepalived takes it in silence, so `-t` passes; new files should use the new word.",
    bad: conf(`
      global_defs {
        lvs_flush_onstop
      }`),
    good: conf(`
      global_defs {
        lvs_flush_on_stop
      }`),
  },
  CFG_SUBSTITUTION: {
    exit: 5,
    title: "a definition or a repetition cannot be resolved",
    why: `\`\${NAME}\` without a definition before it, one that contains itself, or a ~SEQ or ~LST that cannot be counted through. keepalived leaves an unknown name as it is and tears it apart at its braces.`,
    bad: conf(`
      global_defs {
        router_id web-\${SITE}
      }`),
    good: conf(`
      $SITE=berlin
      global_defs {
        router_id web-\${SITE}
      }`),
  },
  CFG_TRACK_SCRIPT: {
    exit: 5,
    title: "a track script cannot be run",
    why: "Its file does not exist or its user may not execute it, so the script is removed, and instances go on without it. The check looks at the host on which it runs.",
    bad: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_script haproxy {
        script /usr/bin/chekc
      }`),
    good: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_script haproxy {
        script /usr/bin/check
      }`),
  },
  CFG_SCRIPT_SECURITY: {
    exit: 6,
    title: "a script could be changed by somebody who is not root, or nobody watches that",
    why: "Scripts run as root must not be writable by others, nor may any directory above them. With enable_script_security such a script is not run (an error); without it there is this warning for it, and one as soon as there is any script.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        notify /usr/bin/notify
      }`),
    good: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        notify /usr/bin/notify
      }`),
  },
  CFG_INCLUDE_REFUSED: {
    exit: 6,
    title: "an include failed that must not fail",
    why: "The word includem (or another variant with a letter), include_check and `-e` turn failures of an include into errors: a file that cannot be read, a name or a pattern without any file. Files that include themselves are always refused.",
    bad: conf(`
      includem web-farm.cfg`),
    good: conf(`
      includem web-farm.conf`),
    files: { "web-farm.conf": "global_defs {\n  router_id web1\n}\n" },
  },
  CFG_SCRIPT: {
    exit: 0,
    title: "a notify script cannot be run",
    why: "Its file does not exist, or its user may not execute it; it is disabled, and everything else works. keepalived only logs that, so `-t` passes. The check looks at the host on which it runs.",
    bad: conf(`
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        notify /usr/bin/notifiy
      }`),
    good: conf(`
      global_defs {
        enable_script_security
        script_user root
      }
      vrrp_instance web {
        interface eth0
        virtual_router_id 51
        virtual_ipaddress { 10.0.0.1/24 }
        notify /usr/bin/notify
      }`),
  },
  CFG_INCLUDE: {
    exit: 0,
    title: "an include brought nothing",
    why: "No file has that name, or none fits the pattern, or it cannot be read. A plain include may fail, as in keepalived, so `-t` passes; write includem where the file must be there. Names are looked up in the directory of the file that includes.",
    bad: conf(`
      include web-farm.cfg`),
    good: conf(`
      include web-farm.conf`),
    files: { "web-farm.conf": "global_defs {\n  router_id web1\n}\n" },
  },
  CFG_LATER: {
    exit: 0,
    title: "a word is accepted, without effect in this version",
    why: "It is read and checked, and `-t` passes, but the feature is not there yet. Told once for each word, however often it stands in the files. With `-t --strict` and `holdfast check --strict` it is an error. docs/keywords.md has the state of each word.",
    bad: conf(`
      global_defs {
        router_id web1
        enable_traps
      }`),
    good: conf(`
      global_defs {
        router_id web1
      }`),
  },
  CFG_REGEX: {
    exit: 0,
    title: "a regex is no pattern that PCRE2 reads",
    why: "The page is fetched and its status and digest are checked, but it is not searched. keepalived only notes it in its log, so `-t` passes. The sentence is PCRE2's, with the offset in the pattern. A `\\` of the pattern is written `\\\\`, for the file has escapes of its own.",
    bad: conf(`
      virtual_server 10.0.0.1 80 {
        delay_loop 6
        lb_algo rr
        lb_kind NAT
        protocol TCP
        real_server 10.0.0.2 80 {
          HTTP_GET {
            url {
              path /health
              regex "status: (ok|fine"
            }
          }
        }
      }`),
    good: conf(`
      virtual_server 10.0.0.1 80 {
        delay_loop 6
        lb_algo rr
        lb_kind NAT
        protocol TCP
        real_server 10.0.0.2 80 {
          HTTP_GET {
            url {
              path /health
              regex "status: (ok|fine)"
            }
          }
        }
      }`),
  },
  CFG_ADVICE: {
    exit: 0,
    title: "it works, but is probably not what was meant",
    why: "Under `-t` keepalived says nothing about it, and the exit code does not either. Each finding has its own remedy; read it, and correct the file or leave it as it is.",
    bad: conf(`
      global_defs {
        vrrp_garp_interval 5
      }`),
    good: conf(`
      global_defs {
        vrrp_garp_interval 0.005
      }`),
  },
} as const satisfies Readonly<Record<string, CodeEntry>>;
