package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// tcpGET accepts TCP segments whose data begins with "GET ", as tcpdump -ddd compiles
// 'tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420'.
const tcpGET = `
        ldh [12]
        jneq #0x800, no
        ldb [23]
        jneq #6, no
        ldh [20]
        jset #0x1fff, no
        ldxb 4*([14]&0xf)
        ldb [x + 26]
        and #0xf0
        rsh #2
        add x
        tax
        ld [x + 14]
        jneq #0x47455420, no
        ret #-1
no:     ret #0
`

// TestBytecodeTCPayload filters by what TCP keeps in pages of its own, beyond the
// linear part of an sk_buff, which is all that a program sees of it at first.
func TestBytecodeTCPayload(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	cmd := exec.Command("sh", "-ec", "xdpload bytecode tc -drop -o - '"+tcpGET+"' | xdpload tc filter add dev lo ingress bpf da obj -")
	cmd.Dir = pipelineDir(t)
	cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+cmd.Dir+":"+os.Getenv("PATH"))
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	client, server := tcpPair(t, ns)
	for _, data := range []string{"POST / ", "GET / "} {
		if _, err := client.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
		if err := ns.Settle(); err != nil {
			t.Fatal(err)
		}
		got, err := arrived(server)
		if dropped := got == ""; err != nil || dropped != (data[0] == 'G') {
			t.Errorf("%q: %q arrived: %v", data, got, err)
		}
	}
}

// arrived is what can be read without waiting.
func arrived(c *net.TCPConn) (string, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return "", err
	}
	buf, n := make([]byte, 100), 0
	controlled := raw.Control(func(fd uintptr) { n, err = unix.Read(int(fd), buf) })
	if errors.Is(err, unix.EAGAIN) {
		return "", controlled
	}
	return string(buf[:max(n, 0)]), errors.Join(controlled, err)
}

// tcpPair is a connection over lo.
func tcpPair(t *testing.T, ns *bpftest.Namespace) (client, server *net.TCPConn) {
	t.Helper()
	ns.Do(func() error {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		defer l.Close()
		if client, err = net.DialTCP("tcp4", nil, l.Addr().(*net.TCPAddr)); err != nil {
			return err
		}
		server, err = l.AcceptTCP()
		return err
	})
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}
