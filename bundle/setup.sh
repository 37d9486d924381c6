#!/bin/sh
# Ставит пакет в папку .venv рядом с этим файлом. Интернет и права администратора не нужны.
set -eu
cd "$(dirname "$0")"
wanted=$(cat python-version.txt)
python=${PYTHON:-python$wanted}
command -v "$python" >/dev/null 2>&1 || python=python3
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
    echo "Не найден Python $wanted. Укажите его: PYTHON=/путь/к/python$wanted sh setup.sh" >&2
    exit 1
}
if [ "$found" != "$wanted" ]; then
    echo "Эта папка собрана для Python $wanted, а $python — это Python $found." \
        "Укажите нужный: PYTHON=/путь/к/python$wanted sh setup.sh" >&2
    exit 1
fi
"$python" -c 'import ensurepip, venv' || {
    echo "В этом Python нет venv; в Debian его ставит администратор: apt-get install python3-venv" >&2
    exit 1
}
echo "Устанавливаю в .venv, около минуты…"
test -x .venv/bin/python || "$python" -m venv .venv
pip="env PIP_CONFIG_FILE=/dev/null .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index"
$pip --find-links wheels --require-hashes --requirement requirements.txt
$pip --no-deps --no-build-isolation --editable .
touch .venv/.ready
echo "Готово. Дальше: .venv/bin/nmc --help"
