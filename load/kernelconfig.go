package load

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelConfig reads the configuration of the running kernel, where distributions leave
// it: "CONFIG_HZ" to "250", "CONFIG_VETH" to "m", texts with their quotes.
func kernelConfig() (map[string]string, error) {
	release, _ := Uname()
	b, err := os.ReadFile("/boot/config-" + release)
	if err != nil {
		b, err = os.ReadFile("/lib/modules/" + release + "/config")
	}
	if err != nil {
		b, err = readGzip("/proc/config.gz")
	}
	if err != nil {
		return nil, fmt.Errorf("the kernel's configuration is neither in /boot/config-%[1]s nor in /lib/modules/%[1]s/config nor in /proc/config.gz (%[2]w)", release, err)
	}
	config := make(map[string]string)
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = value
		}
	}
	return config, lines.Err()
}

func readGzip(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(errors.New(name), err)
	}
	return io.ReadAll(z)
}

// kernelValue is a setting that is in no configuration: libbpf gives the version, and what
// follows from it, such names.
func kernelValue(name string) (value string, ok bool) {
	var since uint32
	switch name {
	case "LINUX_KERNEL_VERSION":
		return strconv.FormatUint(uint64(kernelVersion()), 10), true
	case "LINUX_HAS_SYSCALL_WRAPPER":
		since = 4<<16 | 19<<8
	case "LINUX_HAS_BPF_COOKIE":
		since = 5<<16 | 15<<8
	default:
		return "", false
	}
	if kernelVersion() >= since {
		return "1", true
	}
	return "0", true
}

// kernelVersion is the running kernel's as LINUX_VERSION_CODE has it. Debian's release says
// less than its version does, and Ubuntu has a file for it.
func kernelVersion() uint32 {
	release, version := Uname()
	if _, debian, ok := strings.Cut(version, "Debian "); ok {
		release = debian
	}
	if b, err := os.ReadFile("/proc/version_signature"); err == nil {
		if words := strings.Fields(string(b)); len(words) == 3 {
			release = words[2]
		}
	}
	var major, minor, patch uint32
	_, _ = fmt.Sscanf(release, "%d.%d.%d", &major, &minor, &patch)
	return major<<16 | minor<<8 | min(patch, 255)
}

// Uname is what uname -r and uname -v print.
func Uname() (release, version string) {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:])
}
