// Package forget removes the build cache of a Repository, or of a fork's preview,
// that is gone. It stays inside the volume of caches, whatever links a build has
// left there.
package forget

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Remove removes the folder of a cache, <namespace>/<name>, below caches, and the
// namespace's if it is empty then. A folder that is not there is no error.
func Remove(caches, folder string) error {
	namespace, name := path.Split(folder)
	if !fs.ValidPath(folder) || namespace == "" || path.Dir(path.Clean(namespace)) != "." || name == "." {
		return fmt.Errorf("%q is not the folder of a cache, which is <namespace>/<name>", folder)
	}
	root, err := os.OpenRoot(caches)
	if err != nil {
		return fmt.Errorf("opening the volume of caches: %w", err)
	}
	defer root.Close()
	if err := root.RemoveAll(folder); err != nil {
		return fmt.Errorf("removing the cache %s: %w", folder, err)
	}
	err = root.Remove(path.Clean(namespace))
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) { // the last: it holds others' caches
		return nil
	}
	return fmt.Errorf("removing the folder of namespace %s: %w", path.Clean(namespace), err)
}
