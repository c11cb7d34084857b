#!/bin/sh
# The first process of a container ignores SIGTERM unless it asks for it.
httpd -f -p "${PORT:-8080}" -h /app/www &
trap "kill $!" TERM
wait
