package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/specfile"
	"github.com/spf13/cobra"
)

// Init is the command that writes a headway.yaml.
func Init(io cli.Streams) *cobra.Command {
	var force bool
	var name string
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a headway.yaml for the app in the current folder",
		Long: `Look at the files of the current folder and write a headway.yaml that builds
and runs them. An existing file is left alone unless --force is given.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := draft(cmd.Context(), name)
			if err != nil {
				return err
			}
			if err := writeNew(specfile.FileName, text, force); err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.Out, "wrote %s:\n\n%s\nCommit and push it; headway repo add URL tells the cluster where to look.\n",
				specfile.FileName, indented(text))
			return err
		},
	}
	c.Flags().BoolVar(&force, "force", false, "overwrite an existing headway.yaml")
	c.Flags().StringVar(&name, "name", "", "name of the app (default: that of the folder)")
	return c
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// draft is the text of a headway.yaml for the current folder.
func draft(ctx context.Context, name string) (string, error) {
	dir, err := checkout.Canonical(".")
	if err != nil {
		return "", err
	}
	c, err := checkout.Open(ctx, checkout.RootOf(dir))
	if err != nil {
		return "", err
	}
	rel, err := c.Rel(dir)
	if err != nil {
		return "", err
	}
	file := path.Join(rel, specfile.FileName)
	if specfile.Skipped(file) {
		return "", cli.Usagef("%s would make no app: %s", file, inSkippedFolder)
	}
	if name == "" {
		name = cli.Name(filepath.Base(dir), specfile.MaxName)
	}
	f, err := inspect(c, rel, name)
	if err != nil {
		return "", err
	}
	text := f.text()
	// What is written must be what validate accepts.
	c.Draft(file, text)
	snapshot, err := c.Read()
	if err != nil {
		return "", err
	}
	if app := snapshot.File(file); app.Problem != nil {
		return "", cli.Usagef("%s", app.At[0].Message)
	}
	return text, nil
}

// writeNew writes a file that must not exist yet, unless force is given. It
// never writes through a symlink.
func writeNew(name, text string, force bool) error {
	if info, err := os.Lstat(name); err == nil && force && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no plain file; remove it first", name)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already; --force overwrites it", name)
	} else if err != nil {
		return fmt.Errorf("writing %s: %w", name, checkout.Bare(err))
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
