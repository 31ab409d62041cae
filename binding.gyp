{
  'target_defaults': {
    'cflags_cc': [
      '-std=c++20', '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror',
      '-fvisibility=hidden', '-fno-exceptions',
    ],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
  },
  'targets': [
    {
      'target_name': 'holdfast',
      'sources': [
        'native-bindings/src/addon.cc',
        'native-bindings/src/deadline_timer.cc',
        'native-bindings/src/netlink_receiver.cc',
        'native-bindings/src/netlink_socket.cc',
        'native-bindings/src/packet_socket.cc',
        'native-bindings/src/process_functions.cc',
        'native-bindings/src/script_process.cc',
        'native-bindings/src/script_spawn.cc',
        'native-bindings/src/unix_datagram.cc',
        'native-bindings/src/watch.cc',
      ],
      'defines': [
        'NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
      ],
      'cflags_cc': ['-isystem', "<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")"],
    },
    {
      'target_name': 'holdfast-launcher',
      'type': 'executable',
      'sources': [
        'native-bindings/launcher/background.cc',
        'native-bindings/launcher/command_line.cc',
        'native-bindings/launcher/daemon.cc',
        'native-bindings/launcher/journal.cc',
        'native-bindings/launcher/main.cc',
        'native-bindings/launcher/node_process.cc',
        'native-bindings/launcher/pid_file.cc',
        'native-bindings/launcher/signals.cc',
        'native-bindings/launcher/supervisor.cc',
        'native-bindings/launcher/supervisor_life.cc',
        'native-bindings/launcher/supervisor_messages.cc',
        'native-bindings/launcher/systemd.cc',
      ],
    },
  ],
}
