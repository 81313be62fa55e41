package main

import "testing"

func TestParseCalls(t *testing.T) {
	got, err := parseCalls([]byte(`% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 90.00    0.000290          72         4         1 bpf
  9.00    0.000029           9         3           sendto
  1.00    0.000001           1         2           recvmsg
  0.00    0.000000           0        30        20 openat
------ ----------- ----------- --------- --------- ----------------
100.00    0.000320           8        39        21 total
`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (calls{BPF: 4, Netlink: 5, All: 39}); *got != want {
		t.Errorf("parseCalls = %+v, want %+v", *got, want)
	}
	if _, err := parseCalls([]byte("100.00 0.1 8 many total\n")); err == nil {
		t.Error("no error for a count that is none")
	}
}
