//go:build mips || mips64 || ppc64 || s390x

package netcmd

import _ "embed"

//go:embed bpf/monitor_eb.o
var monitorObject []byte
