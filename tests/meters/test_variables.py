import pytest

from compare.meters.machine import relevant_environment
from compare.meters.variables import recordable

SETTINGS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "BLIS_ARCH_TYPE": "zen3",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "CUDA_VISIBLE_DEVICES": "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296",
    "GOMP_SPINCOUNT": "1000000",
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    "JAX_COMPILER_ENABLE_REMAT_PASS": "0",
    "KERAS_BACKEND": "jax",
    "KMP_AFFINITY": "granularity=fine,compact,1,0",
    "KMP_BLOCKTIME": "0",
    "LD_LIBRARY_PATH": "/nix/store/3n58xw4373jp0ljirf06d8077j15pc4j-glibc-2.39/lib:/opt/lib",
    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    "MALLOC_ARENA_MAX": "1",
    "NCCL_P2P_DISABLE": "1",
    "NVIDIA_TF32_OVERRIDE": "0",
    "OMP_PLACES": "{0:4}:8:4",
    "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16",
    "OPENBLAS_CORETYPE": "Haswell",
    "PYTORCH_CUDA_ALLOC_CONF": "max_split_size_mb:128,garbage_collection_threshold:0.8",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "TORCHINDUCTOR_UNIQUE_USER_KERNEL_NAMES": "1",
    "VECLIB_MAXIMUM_THREADS": "2",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8 --xla_gpu_graph_level=0",
}
PLANTED = {
    # of other programs
    "TF_VAR_db_password": "hunter2",
    "TF_VAR_REGION": "eu-west-1",
    "TF_TOKEN_app_terraform_io": "abc",
    "TF_HTTP_USERNAME": "me",
    "TF_CLI_ARGS": "-var password=hunter2",
    "NVIDIA_API_KEY": "nvapi-hunter2",
    "NVIDIA_CUSTOMER": "me",
    "JAX_API_KEY": "hunter2",
    "TORCH_HUB_TOKEN": "hunter2",
    "CUDA_REGISTRY_PASSWORD": "hunter2",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "HF_TOKEN": "hf_hunter2",
    # with a prefix that is taken whole
    "MKL_LICENSE_KEY": "hunter2",
    "NCCL_AUTH": "hunter2",
    "OMP_PASSWORD": "hunter2",
    "OMP_secret": "hunter2",
    "ONEDNN_CREDENTIALS": "hunter2",
    "TORCHINDUCTOR_REMOTE_TOKEN": "hunter2",
    # under a name that frameworks know
    "CUDA_CACHE_PATH": "https://hunter:hunter2@cache.example/cuda",
    "JAX_COMPILATION_CACHE_DIR": "s3://bucket?secret=hunter2",
    "KMP_SETTINGS": "AKIAIOSFODNN7EXAMPLE",
    "NCCL_DEBUG": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "OMP_DISPLAY_ENV": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "TORCHINDUCTOR_REDIS_URL": "redis://:hunter2@localhost:6379",
    "TORCHINDUCTOR_TAG": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE",
    "XLA_FLAGS": "--proxy-authorization=Bearer abcdef",
    "MALLOC_CONF": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
}


def test_what_changes_speed_or_numbers_is_recorded() -> None:
    assert recordable({**SETTINGS, "HOME": "/root", "PATH": "/bin"}) == SETTINGS


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_that_looks_like_a_credential_is_recorded(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, PLANTED[name])
    found = relevant_environment()
    assert name not in found
    assert PLANTED[name] not in found.values()
