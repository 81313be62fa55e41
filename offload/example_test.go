package offload_test

import (
	"fmt"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/offload"
)

func ExampleCheck() {
	obj, err := elf.Open("../internal/testobj/nfp_rule13.o")
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := offload.Check("nfp", obj, elf.Selector{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found {
		fmt.Println(f)
	}
	// Output: map flows: values of at most 64 bytes, not 72, before ABI 3 of the firmware (drivers/net/ethernet/netronome/nfp/bpf/fw.h)
}
