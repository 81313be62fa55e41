package load_test

import (
	"context"
	"fmt"
	"log"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
)

// The steps of a load one by one: something else can stand where the program is
// attached.
func ExampleLoad() {
	ctx := context.Background()
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	loaded, err := load.Load(ctx, obj, load.Options{Pins: load.PinOptions{Maps: "m:firewall"}})
	if err != nil {
		log.Fatal(err)
	}
	defer loaded.Close() // takes back what is not committed
	if err := loaded.Publish(ctx); err != nil {
		log.Fatal(err)
	}
	// Attach loaded.Program() here.
	if err := loaded.Commit(); err != nil {
		log.Fatal(err)
	}
}

// Ask the kernel about every program of an object, and keep none of them.
func ExampleVerify() {
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	results, err := load.Verify(context.Background(), obj, load.VerifyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			fmt.Println(r.Program.Name, "is rejected:", r.Cause, "at", r.Source)
			continue
		}
		fmt.Println(r.Program.Name, r.Cost.Instructions, r.Cost.Time)
	}
}
