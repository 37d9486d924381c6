@echo off
rem Installs into .venv beside this file. Needs neither internet nor admin rights.
rem Not tested on Windows by the authors: see README.
chcp 65001 >nul
setlocal
cd /d "%~dp0"
set /p WANTED=<python-version.txt
set RUN=py -%WANTED%
if defined PYTHON set RUN="%PYTHON:"=%"
%RUN% -c "import sys; sys.exit('%%d.%%d' %% sys.version_info[:2] != '%WANTED%')"
if errorlevel 1 (
  echo Нужен Python %WANTED%. Его установщик для одного пользователя не требует прав администратора.
  echo Если он стоит в другом месте: set PYTHON=ПУТЬ\python.exe и запустите setup.cmd ещё раз.
  exit /b 1
)
echo Устанавливаю в .venv, несколько минут…
if not exist .venv\Scripts\python.exe %RUN% -m venv .venv || exit /b 1
set PIP_CONFIG_FILE=NUL
set PIP=.venv\Scripts\python.exe -m pip install --quiet --disable-pip-version-check --no-index
%PIP% --find-links wheels --require-hashes --requirement requirements.txt || exit /b 1
%PIP% --no-deps --no-build-isolation --editable . || exit /b 1
echo Готово. Дальше: .venv\Scripts\nmc --help
