//go:build 386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64

package netcmd

import _ "embed"

//go:embed bpf/monitor_el.o
var monitorObject []byte
