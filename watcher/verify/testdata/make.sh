#!/bin/sh
# Makes the commits and tags in this folder, with git, gpg and ssh-keygen, as
# people sign them: commit-KEY and tag-KEY for each kind of key, and the lists
# of public keys. The private keys are thrown away. Run it in an empty folder.
set -eu
out=$PWD
tmp=$(mktemp -d)
trap 'gpgconf --homedir "$tmp/gpg" --kill all; rm -rf "$tmp"' EXIT
export HOME=$tmp GNUPGHOME=$tmp/gpg GIT_CONFIG_NOSYSTEM=1
mkdir -m 700 "$GNUPGHOME"
git init -q "$tmp/repo"
cd "$tmp/repo"
git config user.name Ada
git config user.email ada@example.com

sign() { # KEY SIGNINGKEY FORMAT
	git config user.signingkey "$2"
	git config gpg.format "$3"
	printf '%s\n' "$1" > file
	git add file
	git commit -q -S -m "Sign by $1" -m "With a body."
	git tag -s -m "Tag by $1" "v-$1"
	git cat-file commit HEAD > "$out/commit-$1"
	git cat-file tag "v-$1" > "$out/tag-$1"
}

: > "$out/allowed_signers"
for key in "ed25519" "ecdsa" "rsa -b 3072"; do
	name=ssh-${key%% *}
	# shellcheck disable=SC2086
	ssh-keygen -q -t $key -N "" -C "Ada's $name" -f "$tmp/$name"
	printf 'ada@example.com namespaces="git" %s\n' "$(cat "$tmp/$name.pub")" >> "$out/allowed_signers"
	sign "$name" "$tmp/$name.pub" ssh
done

: > "$out/pubkeys.asc"
for key in ed25519 rsa3072; do
	gpg --batch --quiet --pinentry-mode loopback --passphrase "" --quick-generate-key "Ada ($key) <ada@example.com>" "$key" sign never
	id=$(gpg --list-keys --with-colons "($key)" | awk -F: '$1 == "fpr" { print $10; exit }')
	gpg --armor --export "$id" >> "$out/pubkeys.asc"
	sign "gpg-$key" "$id" openpgp
done
# A key whose subkey signs, as people keep them who have the main one in a safe.
gpg --batch --quiet --pinentry-mode loopback --passphrase "" --quick-generate-key "Ada (subkey) <ada@example.com>" ed25519 cert never
id=$(gpg --list-keys --with-colons "(subkey)" | awk -F: '$1 == "fpr" { print $10; exit }')
gpg --batch --quiet --pinentry-mode loopback --passphrase "" --quick-add-key "$id" ed25519 sign never
gpg --armor --export "$id" >> "$out/pubkeys.asc"
sign gpg-subkey "$id" openpgp

# A merge of a signed tag has the tag, with its signature, in a header.
git switch -q -c side HEAD~1
git commit -q --allow-empty -m "Aside"
git tag -s -m "Aside" side-1
git switch -q -
git merge -q --no-ff -S -m "Merge a signed tag" side-1
git cat-file commit HEAD > "$out/commit-merge-of-tag"

git commit -q --allow-empty --no-gpg-sign -m "Unsigned"
git cat-file commit HEAD > "$out/commit-unsigned"
git tag -a -m "Unsigned" v-unsigned
git cat-file tag v-unsigned > "$out/tag-unsigned"
