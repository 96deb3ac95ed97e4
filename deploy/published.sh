# shellcheck shell=bash
# A gateway that was published elsewhere, as deploy/install and deploy/move take it: $from, a folder or a tarball.

building=$library.installing

# Beside the version that runs, under a name that its content decides.
unpack() {
  rm -rf "$building"
  mkdir -p "$building" "$cache_dir"
  if [ -d "$from" ]; then cp -r "$from/." "$building"; else tar -xzf "$from" --no-same-owner -C "$building"; fi
  if [ ! -x "$building/gateway" ] || [ ! -f "$building/store-format" ]; then
    fail "$from holds no published gateway" 'make one: dotnet publish src/Gateway/Gateway.csproj -c Release -o DIR'
  fi
  rm -rf "$building/deploy"
  copy_scripts "$building/deploy"
  chmod -R u=rwX,go=rX "$building"
  # shellcheck disable=SC2034 # used by deploy/install
  version=$library-$(cd "$building" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
}
