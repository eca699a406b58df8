#!/bin/sh
# Writes coturn's configuration from the environment and starts it. The secret stays out of the process list.
# TURN_SECRET, TURN_REALM: required. EXTERNAL_IP: the public address where the machine only has a private one.
set -eu
umask 077
config=${TURN_CONFIG:-/tmp/turnserver.conf}
cat > "$config" <<CONFIG
listening-port=3478
min-port=49160
max-port=49400
realm=$TURN_REALM
use-auth-secret
static-auth-secret=$TURN_SECRET
fingerprint
stale-nonce=600
user-quota=24
total-quota=1200
no-cli
no-tls
no-dtls
no-multicast-peers
# A relay must not become a way into the private networks around it.
denied-peer-ip=0.0.0.0-0.255.255.255
denied-peer-ip=10.0.0.0-10.255.255.255
denied-peer-ip=100.64.0.0-100.127.255.255
denied-peer-ip=127.0.0.0-127.255.255.255
denied-peer-ip=169.254.0.0-169.254.255.255
denied-peer-ip=172.16.0.0-172.31.255.255
denied-peer-ip=192.168.0.0-192.168.255.255
denied-peer-ip=::1
denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
denied-peer-ip=fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
CONFIG
if [ -n "${EXTERNAL_IP:-}" ]; then
  echo "external-ip=$EXTERNAL_IP" >> "$config"
fi
exec turnserver -c "$config" --log-file=stdout
