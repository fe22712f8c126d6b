#!/bin/sh
# Make the folder secrets/ for docker-compose.yml, once; an existing secret is never changed.
#
# Compose mounts each file as it is, and the accounts inside the containers have to read theirs,
# so the folder is closed to other users and not the files.
set -eu
umask 077
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

keep() {
    if [ ! -e "secrets/$1" ]; then
        printf '%s\n' "$2" >"secrets/.new"
        chmod 444 secrets/.new
        mv secrets/.new "secrets/$1"
    fi
}

read_secret() { cat "secrets/$1"; }

for name in postgres_password valkey_password bursar_owner_password bursar_app_password \
    bursar_backup_password bursar_secret_key; do
    keep "$name" "$(random)"
done
# A Fernet key: 32 bytes in URL-safe base64.
keep bursar_secrets_key "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
database=postgres:5432
keep bursar_admin_url \
    "postgresql://bursar_admin:$(read_secret postgres_password)@$database/postgres"
keep bursar_owner_database_url \
    "postgresql://bursar_owner:$(read_secret bursar_owner_password)@$database/bursar"
keep bursar_database_url \
    "postgresql://bursar_app:$(read_secret bursar_app_password)@$database/bursar"
keep bursar_broker_url "redis://:$(read_secret valkey_password)@valkey:6379/0"
keep flower.env "FLOWER_BASIC_AUTH=bursar:$(random)"
flower_login=$(read_secret flower.env)
keep bursar_flower_url "http://${flower_login#FLOWER_BASIC_AUTH=}@flower:8755/flower"
echo "secrets/ is ready; next: docker compose up --build" >&2
