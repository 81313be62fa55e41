package prog_test

import (
	"context"
	"fmt"
	"log"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// Run a program on a packet that is on no device.
func ExampleProgram_Run() {
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	loaded, err := load.Load(context.Background(), obj, load.Options{
		Select: elf.Selector{Section: "xdp"},
		Pins:   load.PinOptions{Off: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer loaded.Close()
	packet := make([]byte, 60)
	result, err := loaded.Program().Run(prog.RunOptions{Data: packet, Repeat: 1000})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Verdict, result.Time)
}
