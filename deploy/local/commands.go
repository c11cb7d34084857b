package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// run executes one subcommand.
func run(ctx context.Context, places layout.Layout, args []string) error {
	subcommand, asked, err := parse(args)
	if err != nil {
		fmt.Fprint(os.Stderr, usage)
		return err
	}
	keepOffProxy()
	switch subcommand {
	case "up":
		c := &cluster{places: places, eventingReplicas: asked.eventingReplicas}
		return change(ctx, c, slices.Concat(clusterSteps(), forgeSteps(asked.forge), headwaySteps()))
	case "down":
		return change(ctx, &cluster{places: places}, downSteps())
	case "status":
		return status(ctx, places)
	case "env":
		return printEnv(ctx, places)
	case "components":
		return onlyComponents(ctx, places, asked.forge)
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("no subcommand %q", subcommand)
}

// wishes are what the arguments ask for beside the subcommand.
type wishes struct {
	// forge that is to be there, too; "" is none.
	forge string
	// eventingReplicas is how many pods keep events: 1 or 3.
	eventingReplicas int
}

// parse reads the arguments: one subcommand, and what it is asked for.
func parse(args []string) (subcommand string, asked wishes, err error) {
	if len(args) == 0 {
		return "", wishes{}, errors.New("want a subcommand")
	}
	asked.eventingReplicas = 1
	subcommand = args[0]
	set := flag.NewFlagSet(subcommand, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	if subcommand == "up" || subcommand == "components" {
		set.StringVar(&asked.forge, "forge", "", "")
	}
	if subcommand == "up" {
		set.IntVar(&asked.eventingReplicas, "eventing-replicas", 1, "")
	}
	switch err := set.Parse(args[1:]); {
	case err != nil:
		return "", wishes{}, fmt.Errorf("%s: %w", subcommand, err)
	case set.NArg() > 0:
		return "", wishes{}, fmt.Errorf("%s: no argument %q", subcommand, set.Arg(0))
	case asked.forge != "" && asked.forge != gitea:
		return "", wishes{}, fmt.Errorf("%s: the local cluster has no forge %q, only %s", subcommand, asked.forge, gitea)
	case asked.eventingReplicas != 1 && asked.eventingReplicas != 3:
		return "", wishes{}, fmt.Errorf("%s: eventing has 1 replica or 3, not %d", subcommand, asked.eventingReplicas)
	}
	return subcommand, asked, nil
}

// change runs steps that bring the whole cluster up or down.
func change(ctx context.Context, c *cluster, steps []step) error {
	if err := checkMachine(runtime.GOOS, os.Geteuid()); err != nil {
		return err
	}
	return locked(ctx, newProgress(os.Stdout), c, steps)
}

// onlyComponents prepares the machine for tests that start a cluster's programs
// by themselves: what is compiled and, where a whole cluster can run, what comes
// from the distribution.
func onlyComponents(ctx context.Context, places layout.Layout, forge string) error {
	steps := []step{{name: "components", run: compileComponents}}
	if forge == gitea {
		steps = append(steps, step{name: "gitea program", run: compileGitea})
	}
	if checkMachine(runtime.GOOS, os.Geteuid()) == nil {
		steps = append([]step{{name: "packages", run: installPackages}}, steps...)
	}
	c := &cluster{places: places}
	// Progress goes to stderr: the folder alone is the output.
	if err := locked(ctx, newProgress(os.Stderr), c, steps); err != nil {
		return err
	}
	fmt.Println(c.bin)
	return nil
}

func printEnv(ctx context.Context, places layout.Layout) error {
	key, err := componentKey(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("export KUBECONFIG=%q\nexport PATH=%q:\"$PATH\"\n", places.Kubeconfig(), programs(places)+":"+places.Bin(key))
	return nil
}

func status(ctx context.Context, places layout.Layout) error {
	marked, err := process.Marked()
	if err != nil {
		return err
	}
	if len(marked) == 0 {
		fmt.Println("the local cluster is down")
		return nil
	}
	for _, line := range marked {
		fmt.Println(line)
	}
	key, err := componentKey(ctx)
	if err != nil {
		return err
	}
	c := &cluster{places: places, bin: places.Bin(key)}
	objects, err := c.kubectl().Run(ctx, "", "get", "nodes,pods", "--all-namespaces")
	fmt.Print(objects)
	return err
}

// locked runs steps while no other command changes the cluster. The kernel drops
// the lock when this process ends, however it ends.
func locked(ctx context.Context, p *progress, c *cluster, steps []step) error {
	path := c.places.Lock()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the state folder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the lock: %w", err)
	}
	defer file.Close()
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		fmt.Fprintln(os.Stderr, "another up or down is at work, waiting for it to end")
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("locking %s: %w", path, err)
	}
	return runSteps(ctx, p, c, steps)
}

// keepOffProxy tells this command and every program it starts to reach the cluster
// directly on a machine that has an HTTP proxy. It changes nothing without one.
func keepOffProxy() {
	direct := strings.Join([]string{"localhost", "127.0.0.0/8", layout.ClusterCIDR, ".svc", "." + layout.ClusterDomain, ".headway.local"}, ",")
	for _, name := range [][2]string{{"HTTP_PROXY", "NO_PROXY"}, {"HTTPS_PROXY", "NO_PROXY"}, {"http_proxy", "no_proxy"}, {"https_proxy", "no_proxy"}} {
		proxy, exception := name[0], name[1]
		if now := os.Getenv(exception); os.Getenv(proxy) != "" && !strings.HasSuffix(now, direct) {
			os.Setenv(exception, strings.TrimPrefix(now+","+direct, ","))
		}
	}
}
