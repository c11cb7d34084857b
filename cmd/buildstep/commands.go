package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/cmd/buildstep/dockerfile"
	"github.com/headway-dev/headway/cmd/buildstep/evict"
	"github.com/headway-dev/headway/cmd/buildstep/fetch"
	"github.com/headway-dev/headway/cmd/buildstep/forget"
	"github.com/headway-dev/headway/cmd/buildstep/gobuild"
	"github.com/headway-dev/headway/cmd/buildstep/push"
	"github.com/headway-dev/headway/cmd/buildstep/static"
)

// step is one subcommand: it declares its flags and returns what to do once
// they are read.
type step func(flags *flag.FlagSet, output io.Writer) func(context.Context) error

var steps = map[string]step{
	"fetch":      fetchStep,
	"go":         goStep,
	"modules":    modulesStep,
	"static":     staticStep,
	"dockerfile": dockerfileStep,
	"push":       pushStep,
	"forget":     forgetStep,
	"evict":      evictStep,
}

// run executes one subcommand; output takes the log.
func run(ctx context.Context, args []string, output io.Writer) error {
	if len(args) == 0 || steps[args[0]] == nil {
		return fmt.Errorf("usage: buildstep %s [flags]", strings.Join(slices.Sorted(maps.Keys(steps)), "|"))
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(output)
	errorFile := flags.String("error-file", "", "file that takes the cause of a failure, in one line")
	do := steps[args[0]](flags, output)
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("reading flags: %w", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("reading flags: unexpected argument %q", flags.Arg(0))
	}
	err := do(ctx)
	if err == nil || *errorFile == "" {
		return err
	}
	return errors.Join(err, writeCause(*errorFile, err))
}

// longestCause leaves room for the other results of a step, which Kubernetes
// carries in 4 KiB.
const longestCause = 1024

// writeCause leaves the cause of a failure where Tekton reads it as a result.
// The log has it too, but among other lines.
func writeCause(file string, cause error) error {
	line := strings.Join(strings.Fields(cause.Error()), " ")
	line = strings.ToValidUTF8(line[:min(len(line), longestCause)], "")
	if err := os.WriteFile(file, []byte(line), 0o644); err != nil {
		return fmt.Errorf("writing the cause: %w", err)
	}
	return nil
}

// work is the folder that the steps of one build share.
type work struct{ dir string }

func (w work) source() string  { return filepath.Join(w.dir, "source") }
func (w work) image() string   { return filepath.Join(w.dir, "image") }
func (w work) modules() string { return filepath.Join(w.dir, "modules") }

// withTemp lends a scratch folder below the shared one, which has the room that
// a container's own file system may lack.
func (w work) withTemp(use func(temp string) error) error {
	temp, err := os.MkdirTemp(w.dir, ".temp-")
	if err != nil {
		return fmt.Errorf("making scratch folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	return use(temp)
}

func workFlag(flags *flag.FlagSet) *work {
	w := &work{}
	flags.StringVar(&w.dir, "work", "", "folder that the steps share; the source goes to its source/, the image to its image/")
	return w
}

// sourceFlags declare an artifact; the function fetches it. Without --url the
// source must be there already.
func sourceFlags(flags *flag.FlagSet, w *work, output io.Writer) func(context.Context) error {
	var artifact fetch.Artifact
	flags.StringVar(&artifact.URL, "url", "", "URL of the source artifact")
	flags.StringVar(&artifact.Digest, "digest", "", "digest of the source artifact, sha256:<hex>")
	return func(ctx context.Context) error {
		if w.dir == "" {
			return errors.New("--work is missing")
		}
		if artifact.URL == "" {
			return nil
		}
		fmt.Fprintf(output, "fetching source %s\n", artifact.Digest)
		client := &http.Client{Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			ResponseHeaderTimeout: 10 * time.Second,
		}}
		return fetch.Fetch(ctx, client, artifact, w.source(), fetch.DefaultLimits)
	}
}

func fetchStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	return sourceFlags(flags, workFlag(flags), output)
}

// buildStep is a step that fetches the source and builds an image of it. Its
// scratch folder is gone when it ends.
func buildStep(flags *flag.FlagSet, output io.Writer, path *string, build func(ctx context.Context, w work, temp string) error) func(context.Context) error {
	w := workFlag(flags)
	fetchSource := sourceFlags(flags, w, output)
	flags.StringVar(path, "path", ".", "the app's folder inside the source")
	return func(ctx context.Context) error {
		if err := fetchSource(ctx); err != nil {
			return err
		}
		return w.withTemp(func(temp string) error { return build(ctx, *w, temp) })
	}
}

func goStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	o := gobuild.Options{Output: output}
	flags.StringVar(&o.Main, "main", ".", "main package, relative to --path")
	flags.StringVar(&o.LinkerFlags, "ldflags", "", "-X, -s and -w for Go's linker")
	flags.StringVar(&o.Tags, "tags", "", "build tags, separated by commas")
	flags.StringVar(&o.Files, "files", "", "files and folders beside the program, relative to --path, separated by commas")
	flags.StringVar(&o.Cache, "cache", "", "folder of caches that outlives the build")
	flags.StringVar(&o.Seed, "seed", "/headway/go-cache", "build cache with the standard library, copied into a new --cache")
	return buildStep(flags, output, &o.Path, func(ctx context.Context, w work, temp string) error {
		o.Source, o.Image, o.Temp, o.Modules = w.source(), w.image(), temp, w.modules()
		return gobuild.Build(ctx, o)
	})
}

// modulesStep unpacks the source in a folder of its own: what the step "go" works
// on belongs to another user.
func modulesStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	w, own := workFlag(flags), &work{}
	fetchSource := sourceFlags(flags, own, output)
	o := gobuild.ModuleOptions{Output: output}
	flags.StringVar(&o.Path, "path", ".", "build context inside the source")
	flags.StringVar(&o.Private, "private", "", "patterns of private modules, in the form of GOPRIVATE")
	flags.StringVar(&o.Home, "home", "", "folder that holds .netrc")
	return func(ctx context.Context) error {
		return w.withTemp(func(temp string) error {
			own.dir = temp
			if err := fetchSource(ctx); err != nil {
				return err
			}
			o.Source, o.Temp, o.Target = own.source(), temp, w.modules()
			return gobuild.FetchModules(ctx, o)
		})
	}
}

func staticStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	o := static.Options{Output: output}
	flags.StringVar(&o.Dir, "dir", "", "folder to serve, relative to --path")
	flags.StringVar(&o.Fallback, "fallback", "", "file of that folder that answers unknown paths")
	flags.StringVar(&o.Server, "server", "/headway/staticserver", "program that serves the files")
	return buildStep(flags, output, &o.Path, func(ctx context.Context, w work, _ string) error {
		o.Source, o.Image = w.source(), w.image()
		return static.Build(ctx, o)
	})
}

func dockerfileStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	o := dockerfile.Options{Output: output, Mirror: os.Getenv("HEADWAY_MIRROR"), Insecure: insecureRegistries()}
	flags.StringVar(&o.Context, "context", "", "build context, relative to --path")
	flags.StringVar(&o.Dockerfile, "dockerfile", "Dockerfile", "the Dockerfile, relative to --path")
	flags.StringVar(&o.Target, "target", "", "stage to build")
	flags.StringVar(&o.BuildArgs, "build-args", "", "KEY=value, one a line")
	flags.StringVar(&o.Cache, "cache", "", "folder of caches that outlives the build")
	return buildStep(flags, output, &o.Path, func(ctx context.Context, w work, temp string) error {
		o.Source, o.Image, o.Temp = w.source(), w.image(), temp
		return dockerfile.Build(ctx, o)
	})
}

func pushStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	w := workFlag(flags)
	o := push.Options{Insecure: insecureRegistries()}
	flags.StringVar(&o.Image, "image", "", "repository:tag to push to")
	flags.StringVar(&o.Auth, "auth", "", "folder that holds .dockerconfigjson; empty: no credentials")
	flags.StringVar(&o.DigestFile, "digest-file", "", "file that takes the image's digest")
	flags.StringVar(&o.ConfigFile, "config-file", "", "file that takes the image's configuration")
	return func(ctx context.Context) error {
		o.Layout = w.image()
		digest, err := push.Push(ctx, o)
		if err == nil {
			fmt.Fprintf(output, "pushed %s@%s\n", o.Image, digest)
		}
		return err
	}
}

func forgetStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	caches := flags.String("caches", "", "the volume of build caches")
	folder := flags.String("folder", "", "the folder on it, <namespace>/<name>")
	return func(context.Context) error {
		err := forget.Remove(*caches, *folder)
		if err == nil {
			fmt.Fprintf(output, "removed the build cache of %s\n", *folder)
		}
		return err
	}
}

func evictStep(flags *flag.FlagSet, output io.Writer) func(context.Context) error {
	caches := flags.String("caches", "", "the volume of build caches")
	perCache := flags.Int64("cache-mib", 4096, "the most that the cache of one Repository takes, in MiB")
	total := flags.Int64("total-mib", 16384, "the most that all caches take, in MiB")
	age := flags.Duration("age", 30*24*time.Hour, "for how long something stays that nobody uses")
	return func(context.Context) error {
		return evict.Run(*caches, evict.Limits{Folder: *perCache << 20, Total: *total << 20, Age: *age}, time.Now(), output)
	}
}

// insecureRegistries are those of the environment, which an administrator sets
// by the ConfigMap build-env.
func insecureRegistries() []string {
	return strings.FieldsFunc(os.Getenv("HEADWAY_INSECURE_REGISTRIES"), func(r rune) bool { return r == ',' || r == ' ' })
}
