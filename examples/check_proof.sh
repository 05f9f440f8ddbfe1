#!/usr/bin/env bash
# Checks a proof of an audit record with openssl and sha256sum, and nothing of signerd.
#
#   unzip proof.zip -d proof && examples/check_proof.sh proof root.pem [DOCUMENT]
#
# root.pem: the root CA that you trust, from elsewhere. DOCUMENT: what was signed. Prints what holds;
# the exit status is not 0 at the first thing that does not.
set -euo pipefail
proof=$1 root=$2 document=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'NOT PROVEN: %s\n' "$1" >&2 && exit 1; }
octets() { printf "$(sed 's/../\\x&/g' <<<"$1")"; } # of hexadecimal digits
hash() { sha256sum | cut -d' ' -f1; }
field() { sed -n "s/^$1 //p" "$proof/checkpoint.txt"; }
public_key() { openssl x509 -in "$1" -noout -pubkey; }
to_hex() { od -An -v -tx1 | tr -d ' \n'; }

# What the record says under a name: a text is its length in four octets, and its octets.
record=$(to_hex <"$proof/record.bin")
detail() {
  local name rest
  name=$(printf %08x ${#1})$(printf %s "$1" | to_hex)
  rest=${record#*"$name"}
  [[ $rest == "$record" ]] || octets "${rest:8:$((2 * 16#${rest:0:8}))}"
}

# When it happened, seconds since 1970: after magic, chain, sequence, hash and kind, which are texts.
recorded_at() {
  local rest=${record:32}
  rest=${rest:$((8 + 2 * 16#${rest:0:8} + 16 + 64))}
  rest=${rest:$((8 + 2 * 16#${rest:0:8}))}
  echo $((16#${rest:0:16} / 1000000))
}

verify() { # algorithm, certificate, signature, file: was the file signed by this certificate's key?
  local hash=${1##*_} options=()
  public_key "$2" >"$work/key.pem"
  if [[ $1 == ED25519 ]]; then
    openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$4" -sigfile "$3" >/dev/null
    return
  fi
  if [[ $1 == *_PSS_* ]]; then
    options=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest)
  fi
  openssl dgst "-${hash,,}" "${options[@]}" -verify "$work/key.pem" -signature "$3" "$4" >/dev/null
}

# A certificate leads to the root, and did at a time.
at=$(date --date "$(field time)" +%s)
leads_to_root() { # certificate, time
  openssl verify -x509_strict -attime "$2" -CAfile "$root" -untrusted "$proof/chain.pem" "$1" \
    >/dev/null
}

# 1. From the record to the root of the tree (RFC 6962, 2.1). The path begins with the position.
{
  read -r _ position
  leaf=$(sha256sum <"$proof/record.bin" | cut -d' ' -f1)$(printf %016x "$position")
  reached=$(octets "00$leaf" | hash)
  while read -r side sibling; do
    if [[ $side == left ]]; then pair=$sibling$reached; else pair=$reached$sibling; fi
    reached=$(octets "01$pair" | hash)
  done
} <"$proof/path.txt"
[[ $reached == "$(field root)" ]] || fail "the record is not under this checkpoint"
echo "the record is under checkpoint $(field number) of $(date -u -d "@$at" '+%F %TZ')"

# 2. The audit key of this CA signed the checkpoint.
leads_to_root "$proof/audit.pem" "$at" || fail "the audit certificate does not lead to $root"
openssl x509 -in "$proof/audit.pem" -noout -ext extendedKeyUsage |
  grep -qF 2.25.120765528459821570115809768164609232671 ||
  fail "the certificate is not one of an audit key"
[[ $(public_key "$proof/audit.pem" | openssl pkey -pubin -outform DER | hash) == "$(field key)" ]] ||
  fail "the checkpoint names another audit key"
verify "$(field algorithm)" "$proof/audit.pem" "$proof/checkpoint.sig" "$proof/checkpoint.txt" ||
  fail "the audit key did not sign the checkpoint"
echo "the checkpoint was signed by the audit key"

# 3. A time-stamping authority saw both.
if [[ -f $proof/checkpoint.tst ]]; then
  cat "$proof/checkpoint.txt" "$proof/checkpoint.sig" >"$work/stamped"
  openssl ts -verify -attime "$at" -token_in -in "$proof/checkpoint.tst" -data "$work/stamped" \
    -CAfile "$root" -untrusted "$proof/chain.pem" >/dev/null 2>&1 ||
    fail "the time stamp is not one over this checkpoint"
  openssl ts -reply -token_in -in "$proof/checkpoint.tst" -text 2>/dev/null |
    sed -n '/^Time stamp:/s/\.[0-9]* / /p'
fi

# 4. The record is about this certificate, this signature, this document. The record of several
# signatures has lists in one order: signatures and digests.
if [[ -f $proof/certificate.pem ]]; then
  leads_to_root "$proof/certificate.pem" "$(recorded_at)" ||
    fail "the certificate did not lead to $root when the record was made"
  serial=$(openssl x509 -in "$proof/certificate.pem" -noout -serial)
  serial=${serial#*=}
  [[ $(detail certificate) == "${serial,,}" ]] || fail "the record names another certificate"
  openssl x509 -in "$proof/certificate.pem" -noout -subject -nameopt utf8,esc_ctrl,sep_comma_plus
fi
signatures=$(detail signature)$(detail signatures)
digests=$(detail digest)$(detail digests)
read -ra signatures <<<"${signatures#*:}"
read -ra digests_left <<<"${digests#*:}"
if [[ -f $proof/signature.bin ]]; then
  mine=$(hash <"$proof/signature.bin")
  for index in "${!signatures[@]}"; do
    [[ ${signatures[index]} == "$mine" ]] && found=$index
  done
  [[ ${found:-} ]] || fail "another signature is on record"
  digests_left=("${digests_left[found]}")
  echo "the signature is the one on record"
fi
if [[ $document ]]; then
  mine=$(openssl dgst -r "-${digests%%:*}" "$document" | cut -d' ' -f1)
  [[ " ${digests_left[*]} " == *" $mine "* ]] || fail "the record is about another document"
  if [[ -f $proof/signature.bin ]]; then
    verify "$(detail algorithm)" "$proof/certificate.pem" "$proof/signature.bin" "$document" ||
      fail "the signature is not one of this certificate over the document"
  fi
  echo "the document is what was signed"
fi
