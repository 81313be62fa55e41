package main

import (
	"context"
	"errors"
	"flag"
	"strings"
)

// defaultKernels are the series that the project promises to work on.
const defaultKernels = "6.1,6.12"

// kernelOptions are the flags that say which kernels to run.
type kernelOptions struct {
	list, modules string
}

func (o *kernelOptions) register(f *flag.FlagSet, list string) {
	f.StringVar(&o.list, "kernel", list, "series of Debian kernels, or the path of an image; a `list` with commas")
	f.StringVar(&o.modules, "modules", "", "the `directory` /lib/modules/RELEASE of an image")
}

// names are the kernels of the list.
func (o *kernelOptions) names() []string {
	return strings.FieldsFunc(o.list, func(r rune) bool { return r == ',' || r == ' ' })
}

// parse parses flags; its error has already been printed.
func (o *kernelOptions) parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return exitStatus(2)
	}
	for _, n := range o.names() {
		if o.modules != "" && series.MatchString(n) {
			return errors.New("-modules belongs to the path of an image, not to the series " + n)
		}
	}
	return nil
}

// one finds the tools and the only kernel of the list.
func (o *kernelOptions) one(ctx context.Context, e *env) (tools, kernel, error) {
	if len(o.names()) != 1 {
		return tools{}, kernel{}, errors.New("name one kernel, not " + o.list)
	}
	f, err := newFetcher(e)
	if err != nil {
		return tools{}, kernel{}, err
	}
	t, err := f.tools(ctx)
	if err != nil {
		return tools{}, kernel{}, err
	}
	k, err := f.kernel(ctx, o.names()[0], o.modules)
	return t, k, err
}
