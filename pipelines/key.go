package pipelines

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Key is the content key of a revision's build: equal keys build equal images.
// It is the hex form of a SHA-256, 64 characters. It does not depend on the
// commit, unless build.args ask for it.
func Key(revision *v1alpha1.Revision, templateVersion string) string {
	build := v1alpha1.Build{Template: revision.Spec.Build.Template, Args: argsOf(revision)}
	return contentKey(scope(revision), revision.Spec.Source, build, templateVersion)
}

// scope is whose builds a revision shares: "namespace/app". The key of a fork is
// never that of another build, not even of an app that gets the preview's name
// when that is gone, and finds its images in the registry.
func scope(revision *v1alpha1.Revision) string {
	s := revision.Namespace + "/" + revision.BuildApp()
	if revision.FromFork() {
		s += "/fork"
	}
	return s
}

// contentKey hashes what an image is made from. The scope keeps an app from
// naming the image of another.
func contentKey(scope string, source v1alpha1.CodeSource, build v1alpha1.Build, templateVersion string) string {
	sum := sha256.New()
	writeField(sum, scope)
	writeField(sum, source.Key)
	writeField(sum, source.Path)
	writeField(sum, build.Template)
	writeField(sum, templateVersion)
	for _, name := range slices.Sorted(maps.Keys(build.Args)) {
		writeField(sum, name)
		writeField(sum, build.Args[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// writeField writes the length first, so that no two lists of fields look
// alike.
func writeField(sum hash.Hash, field string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(field)))
	sum.Write(length[:])
	sum.Write([]byte(field))
}

// KeyLabel is the key in the form of a label value, which may have at most 63
// characters: the first 40 of the key.
func KeyLabel(key string) string { return key[:40] }

// Tag is the image tag under which a build is found again.
func Tag(key string) string { return "key-" + KeyLabel(key) }

// RunName is the name of the TaskRun that builds a key.
func RunName(app, key string) string { return app + "-" + key[:16] }
