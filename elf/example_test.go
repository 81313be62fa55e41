package elf_test

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

func Example() {
	// A program would call elf.Open("count.o").
	obj, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("count.o")), "count.o")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range obj.Programs() {
		fmt.Printf("program %s: section %s, %s, %d instructions\n", p.Name, p.Section, p.Type, p.Instructions)
	}
	maps, err := obj.Maps()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range maps {
		fmt.Printf("map %s: %s, %d entries\n", m.Name, m.Type, m.MaxEntries)
	}
	fmt.Println("licence", obj.License())
	// Output:
	// program xdp_count: section xdp, XDP, 33 instructions
	// program xdp_plain: section xdp/plain, XDP, 2 instructions
	// map .rodata: Array, 1 entries
	// map .data: Array, 1 entries
	// map stats: PerCPUArray, 1 entries
	// map unused: Hash, 16 entries
	// map .bss: Array, 1 entries
	// licence Dual BSD/GPL
}

func ExampleObject_Spec() {
	obj, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("two.o")), "two.o")
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, err := obj.Spec(elf.Selector{Section: "xdp", Type: ebpf.XDP})
	if err != nil {
		fmt.Println(err)
		return
	}
	for name, p := range spec.Programs {
		fmt.Println(name, p.Type)
	}
	_, err = obj.Spec(elf.Selector{Program: "xdp_pas"})
	fmt.Println(err)
	// Output:
	// xdp_drop XDP
	// two.o: no program "xdp_pas"; it has xdp_pass (section prog), xdp_drop (section xdp), xdp_second (section xdp), xdp_abrt (section xdp/abrt)
}
